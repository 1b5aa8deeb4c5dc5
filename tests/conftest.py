"""Data that several tests read."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.trained import classes_weights, trained  # noqa: F401 (fixtures)

hypothesis.settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
hypothesis.settings.load_profile("untimed")
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


@pytest.fixture
def fresh_accelerate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accelerate keeps its state in the process: a test with this starts without, on a CPU, with one thread."""
    import torch  # most tests need none
    from accelerate.state import AcceleratorState, GradientState

    def forget() -> None:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()

    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    forget()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    forget()
    logger = logging.getLogger("specdet")
    logger.handlers.clear()
    logger.propagate = True
