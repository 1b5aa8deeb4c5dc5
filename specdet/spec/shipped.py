"""What comes with specdet beside its package: specs, and the app."""

from pathlib import Path


def shipped(folder: str) -> Path:
    """A folder that comes with specdet: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / folder
    return installed if installed.is_dir() else package.parent / folder
