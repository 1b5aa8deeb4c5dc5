import json
import shutil
import time

import pytest

from specdet.runs.prune import TRASH_DAYS, removals, remove
from specdet.runs.trash import move_to_trash
from tests.runs.made import made, owned

DONE = {"state": "finished", "attempt": 1, "t": 1500.0}


def checkpoint(directory, step, *, serial=None, size=100):
    """As the runner leaves them."""
    folder = directory / "checkpoints" / f"iter_{step:08d}"
    (folder / "accelerate").mkdir(parents=True)
    (folder / "accelerate" / "model.safetensors").write_bytes(b"x" * size)
    files = {"accelerate/model.safetensors": {"size": size, "sha256": "0"}}
    (folder / "manifest.json").write_text(json.dumps({"v": 1, "serial": serial or step, "files": files}))
    return folder


def best(directory, step):
    (directory / "checkpoints" / "best.json").write_text(json.dumps({"checkpoint": f"iter_{step:08d}", "iter": step}))


def names(found):
    return [removal.path.name for removal in found]


def test_the_newest_and_the_best_of_each_run_stay(tmp_path):
    for name in ("a", "b"):
        directory = made(tmp_path, name, state=DONE)
        for step in (1, 2, 3, 4):
            checkpoint(directory, step)
        best(directory, 2)
    found = removals(tmp_path)
    assert sorted(names(found)) == ["iter_00000001", "iter_00000001", "iter_00000003", "iter_00000003"]
    manifest = len((tmp_path / "a" / "checkpoints" / "iter_00000001" / "manifest.json").read_bytes())
    assert {removal.size for removal in found} == {100 + manifest}
    problems = []
    assert remove(found, report=problems.append) == 4 * (100 + manifest) and problems == []
    assert [path.name for path in sorted((tmp_path / "a" / "checkpoints").iterdir())] == [
        "best.json", "iter_00000002", "iter_00000004"
    ]  # fmt: skip
    assert removals(tmp_path) == []


def test_new_is_what_was_written_last_not_what_has_most_steps(tmp_path):
    directory = made(tmp_path, state=DONE)
    checkpoint(directory, 50, serial=1)
    checkpoint(directory, 20, serial=2)
    assert names(removals(tmp_path)) == ["iter_00000050"]


@pytest.mark.parametrize(("keep_last", "gone"), [(2, ["iter_00000001"]), (3, []), (9, [])])
def test_more_of_the_newest_can_be_kept(tmp_path, keep_last, gone):
    directory = made(tmp_path, state=DONE)
    for step in (1, 2, 3):
        checkpoint(directory, step)
    assert names(removals(tmp_path, keep_last=keep_last)) == gone


def test_a_damaged_newest_one_does_not_cost_the_last_whole_one(tmp_path):
    directory = made(tmp_path, state=DONE)
    for step in (1, 2, 3):
        checkpoint(directory, step)
    (directory / "checkpoints" / "iter_00000003" / "accelerate" / "model.safetensors").write_bytes(b"half")
    assert names(removals(tmp_path)) == ["iter_00000001"]
    (directory / "checkpoints" / "iter_00000002" / "manifest.json").unlink()  # no checkpoint, so nothing of ours
    assert names(removals(tmp_path)) == []


def test_without_knowing_the_best_nothing_goes(tmp_path):
    directory = made(tmp_path, state=DONE)
    checkpoint(directory, 1)
    checkpoint(directory, 2)
    (directory / "checkpoints" / "best.json").write_text("{")
    assert removals(tmp_path) == []


def test_runs_that_go_on_are_left_alone(tmp_path):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": time.time()})
    checkpoint(directory, 1)
    checkpoint(directory, 2)
    with owned(directory):
        assert removals(tmp_path) == []
    found = removals(tmp_path)  # its process is gone: it can be resumed from the newest
    assert names(found) == ["iter_00000001"]
    problems = []
    with owned(directory):
        assert remove(found, report=problems.append) == 0
    assert len(problems) == 1 and "being trained" in problems[0]
    assert (directory / "checkpoints" / "iter_00000001").is_dir()


def test_young_runs_are_left_alone_when_asked(tmp_path):
    directory = made(tmp_path, state=DONE)
    checkpoint(directory, 1)
    checkpoint(directory, 2)
    day = 86400
    assert removals(tmp_path, older_than=3, now=1500 + 2 * day) == []
    assert names(removals(tmp_path, older_than=3, now=1500 + 4 * day)) == ["iter_00000001"]


def test_what_a_killed_process_left_goes(tmp_path):
    directory = made(tmp_path, state=DONE)
    kept = checkpoint(directory, 1)
    for ending in (".tmp", ".old"):
        shutil.copytree(kept, kept.with_name(f".iter_00000002{ending}"))
    found = removals(tmp_path)
    assert names(found) == [".iter_00000002.old", ".iter_00000002.tmp"]
    remove(found, report=pytest.fail)
    assert [path.name for path in kept.parent.iterdir()] == ["iter_00000001"]


def test_old_trash_is_emptied(tmp_path):
    directory = made(tmp_path, state=DONE)
    checkpoint(directory, 1)
    there = move_to_trash(directory)
    assert removals(tmp_path, now=time.time() + (TRASH_DAYS - 1) * 86400) == []
    (found,) = removals(tmp_path, now=time.time() + (TRASH_DAYS + 1) * 86400)
    assert found.path == there and found.size > 100
    remove([found], report=pytest.fail)
    assert not there.exists()
