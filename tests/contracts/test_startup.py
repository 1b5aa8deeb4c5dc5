"""Reading a spec is so fast that nobody minds doing it on every keystroke."""

import os
import resource
import subprocess
import sys

import pytest

from specdet.spec.compose import shipped_specs

BUDGET = 0.2  # seconds of a whole process
TRIES = 10  # the best of them counts: a busy machine slows a process down, nothing speeds it up


@pytest.mark.skipif(os.name != "posix", reason="the processor time of a child is asked of POSIX")
@pytest.mark.parametrize("name", ["rpn.toml", "bccd/rpn.toml", "coco/rpn_r50_fpn_1x.toml"])
def test_a_whole_check_stays_within_its_budget(name):
    """Processor time, which on an idle machine is the time that a user waits, and hardly depends on other processes."""
    check = [sys.executable, "-m", "specdet.cli", "check", str(shipped_specs() / name)]
    spent = []
    for _ in range(TRIES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(check, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < BUDGET, spent
