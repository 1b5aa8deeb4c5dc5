"""Data that several tests read."""

import os
import sys
from pathlib import Path

import pytest

# Processes of several threads each fight for the cores; set before torch is imported, inherited by other processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # for small_training.py


@pytest.fixture(scope="session")
def bccd() -> Path:
    """The BCCD folder (blood cells, PASCAL VOC layout), or a skip."""
    folder = Path(os.environ.get("SPECDET_TEST_BCCD") or REPOSITORY.parent / "shared" / "data" / "bccd")
    if not (folder / "ImageSets").is_dir():
        pytest.skip("no BCCD data: set SPECDET_TEST_BCCD to a copy of it")
    return folder
