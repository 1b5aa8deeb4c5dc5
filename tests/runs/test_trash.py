import os
import time

import pytest

from specdet.runs.trash import TRASH, delete, move_to_trash, old_trash, restore, trashed_runs
from specdet.spec import SpecError
from tests.runs.made import RUN_ID, made, owned

DONE = {"state": "failed", "attempt": 1, "t": 1.0}


def test_a_removed_run_comes_back_whole(tmp_path):
    directory = made(tmp_path, state=DONE)
    (directory / "checkpoints").mkdir()
    there = move_to_trash(directory)
    assert there == tmp_path / TRASH / RUN_ID and not directory.exists()
    assert restore(there) == directory
    assert (directory / "checkpoints").is_dir() and (directory / "state.json").exists()
    assert trashed_runs(tmp_path) == []


@pytest.mark.parametrize("state", ["queued", "running", "stopping"])
def test_a_run_that_is_alive_is_refused(tmp_path, state):
    directory = made(tmp_path, state={"state": state, "attempt": 1, "t": time.time()})
    with owned(directory), pytest.raises(SpecError, match=f"{RUN_ID} is {state}: stop it first"):
        move_to_trash(directory)
    assert directory.exists()
    move_to_trash(directory)  # now it is lost


def test_a_run_that_begins_just_now_is_refused(tmp_path):
    """What was said last is that it ended, but somebody has taken it up again."""
    directory = made(tmp_path, state=DONE)
    with owned(directory), pytest.raises(SpecError, match="being trained by another process"):
        move_to_trash(directory)
    assert directory.exists()


def test_the_trash_takes_two_of_a_name_and_gives_none_back_over_another(tmp_path):
    first = move_to_trash(made(tmp_path, state=DONE))
    second = move_to_trash(made(tmp_path, state=DONE))
    assert first != second and first.exists() and second.exists()
    made(tmp_path)
    with pytest.raises(SpecError, match="is there already"):
        restore(first)


def test_trash_is_old_by_the_time_that_it_was_thrown_away(tmp_path):
    directory = made(tmp_path, state=DONE)
    os.utime(directory, (1.0, 1.0))  # the run itself is older than all
    there = move_to_trash(directory)
    assert old_trash(tmp_path, days=1) == []
    assert old_trash(tmp_path, days=1, now=time.time() + 90_000) == [there]
    delete(there)
    assert trashed_runs(tmp_path) == []
