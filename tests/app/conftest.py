"""What tests of the app share: runs and specs of a person of their own."""

from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the app was started in, with its own runs and caches."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SPECDET_RUNS", str(folder / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SPECDET_APP_ROOTS", raising=False)
    return folder
