"""A long training holds no more memory than a short one."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "growth_script.py"
NOISE = 100  # kB for each 1,000 steps; a kB kept of each step is ten times as much


def growth(folder: Path, *arguments: int) -> list[int]:
    """kB held beyond those of step 1,000, after each 500 further steps."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), *map(str, arguments)], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is measured as Linux tells it")
def test_five_thousand_steps_keep_nothing(tmp_path):
    held = growth(tmp_path, 5000)
    assert len(held) == 9 and held[0] == 0
    assert max(held) < 4 * NOISE, held


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is measured as Linux tells it")
def test_a_kilobyte_kept_of_each_step_would_be_seen(tmp_path):
    assert growth(tmp_path, 1500, 1024)[-1] > 5 * NOISE
