"""What the tests of the runner share."""

import sys
from pathlib import Path

import pytest

# A script that several processes are launched with imports the same toys.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def always_fresh(fresh_accelerate: None) -> None:
    """Each test of the runner starts so."""
