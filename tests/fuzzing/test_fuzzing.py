"""Whatever is done to a file, reading it gives a problem that names it or what it says: no other exception, no hang."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzzing.campaign import KINDS

MUTATIONS = 300  # of each kind; `python -m tests.fuzzing` makes 5,000


@pytest.fixture(scope="module")
def said() -> str:
    """What one process says of all kinds: its memory is bounded, and whatever kills it is seen."""
    command = [sys.executable, "-m", "tests.fuzzing", "--mutations", str(MUTATIONS), "--seed", "1"]
    settings = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=settings, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode in (0, 1), done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_told_or_read_as_it_stands(said, kind):
    bugs = "\n".join(part for part in said.split("\n\n") if part.startswith(f"{kind} "))
    assert f"{kind}: " in said, said[-4000:]
    (line,) = (line for line in said.splitlines() if line.startswith(f"{kind}: "))
    told, read, neither = (int(word) for word in line.split() if word.isdigit())
    assert neither == 0, bugs[:8000]
    assert told + read == MUTATIONS
    assert min(told, read) > MUTATIONS // 50, "the changes are such that all files are whole, or none is"
