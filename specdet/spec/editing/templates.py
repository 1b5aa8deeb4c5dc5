"""Templates: specs to start from, with comments that say what to change."""

from specdet.spec.compose import shipped_specs


def templates() -> dict[str, str]:
    """The text of each template, by name."""
    files = sorted((shipped_specs() / "templates").glob("*.toml"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


def description(text: str) -> str:
    """What a template says of itself: its first line."""
    return text.partition("\n")[0].removeprefix("#").strip()
