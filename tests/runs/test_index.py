import json
import os
import time

import pytest

from specdet.runs import index
from specdet.runs.index import INDEX, RunList, list_runs
from specdet.runs.user import edit_user
from tests.runs.made import made, owned

DONE = {"state": "finished", "attempt": 1, "t": 1500.0}


def age(directory):
    """As if nothing had changed in it for an hour."""
    long_ago = time.time() - 3600
    os.utime(directory, (long_ago, long_ago))


@pytest.fixture
def reads(monkeypatch):
    """The ids of runs that were really read."""
    found = []
    real = index.read_status
    monkeypatch.setattr(
        index, "read_status", lambda directory, **given: found.append(directory.name) or real(directory, **given)
    )
    return found


def test_the_newest_comes_first_and_what_is_no_run_does_not(tmp_path):
    made(tmp_path, "a", meta={"created": 1.0}, state=DONE)
    made(tmp_path, "b", meta={"created": 3.0}, state=DONE)
    made(tmp_path, "c", meta={"created": 2.0}, state=DONE)
    (tmp_path / "plots").mkdir()
    (tmp_path / ".trash").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "20260101-000000-empty-0000").mkdir()
    assert [status.id for status in list_runs(tmp_path)] == ["20260101-000000-empty-0000", "b", "c", "a"]
    assert list_runs(tmp_path / "nowhere") == []


def test_settled_runs_are_read_once_and_listed_alike(tmp_path, reads):
    for number in range(3):
        age(made(tmp_path, f"run{number}", state=DONE, user={"tags": ["x"]}))
    first = list_runs(tmp_path)
    assert sorted(reads) == ["run0", "run1", "run2"]
    assert list_runs(tmp_path) == first and len(reads) == 3


def test_a_change_is_seen_at_once(tmp_path, reads):
    for name in ("changed", "same"):
        age(made(tmp_path, name, state=DONE))
    list_runs(tmp_path)
    reads.clear()
    edit_user(tmp_path / "changed", note="new")
    assert {status.id: status.note for status in list_runs(tmp_path)} == {"changed": "new", "same": ""}
    assert reads == ["changed"]
    edit_user(tmp_path / "changed", note="newer")  # within the same tick of a coarse clock
    assert {status.id: status.note for status in list_runs(tmp_path)} == {"changed": "newer", "same": ""}


def test_what_changes_without_a_file_is_looked_at_each_time(tmp_path):
    directory = made(tmp_path, state={"state": "running", "attempt": 1, "t": time.time()})
    age(directory)
    with owned(directory):
        age(directory)  # making the lock has changed it
        assert list_runs(tmp_path)[0].state == "running"
        assert list_runs(tmp_path, now=time.time() + 500)[0].state == "running"
    age(directory)
    assert list_runs(tmp_path)[0].state == "lost"
    with owned(directory):  # a directory changes when a lost run is resumed, since its owner says so
        os.utime(directory)
        assert list_runs(tmp_path)[0].state == "running"


def test_a_list_in_memory_sees_what_a_new_one_sees(tmp_path, reads):
    for number in range(3):
        age(made(tmp_path, f"run{number}", state=DONE))
    kept = RunList(tmp_path)
    first = kept.update()
    assert first == list_runs(tmp_path) and len(reads) == 3
    assert all(new is old for new, old in zip(kept.update(), first, strict=True))
    edit_user(tmp_path / "run1", note="new")
    (tmp_path / "run2").rename(tmp_path / ".run2")
    made(tmp_path, "run3", state=DONE)
    assert {run.id: run.note for run in kept.update()} == {"run0": "", "run1": "new", "run3": ""}
    age(tmp_path / "run1")
    age(tmp_path / "run3")
    assert kept.update() == list_runs(tmp_path)
    running = made(tmp_path, "run4", state={"state": "running", "attempt": 1, "t": time.time()})
    with owned(running):
        age(running)
        assert {run.id: run.state for run in kept.update()}["run4"] == "running"
    assert {run.id: run.state for run in kept.update()}["run4"] == "lost"


def test_a_removed_run_is_forgotten(tmp_path):
    age(made(tmp_path, "gone", state=DONE))
    age(made(tmp_path, "here", state=DONE))
    list_runs(tmp_path)
    (tmp_path / "gone").rename(tmp_path / ".gone")
    assert [status.id for status in list_runs(tmp_path)] == ["here"]
    assert [*json.loads((tmp_path / INDEX).read_text())["rows"]] == ["here"]


@pytest.mark.parametrize("damage", ["", "{}", "[1, 2", "null", "torn", "edited", "folder"])
def test_a_damaged_index_is_made_anew(tmp_path, damage, reads):
    age(made(tmp_path, state=DONE))
    before = list_runs(tmp_path)
    path = tmp_path / INDEX
    text = path.read_text()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_text({"torn": text[:-20], "edited": text.replace("finished", 'fini"hed')}.get(damage, damage))
    assert list_runs(tmp_path) == before and len(reads) == 2


def test_another_version_of_the_rows_is_not_taken_for_ours(tmp_path, monkeypatch, reads):
    age(made(tmp_path, state=DONE))
    list_runs(tmp_path)
    monkeypatch.setattr(index, "NAMES", (*index.NAMES[1:], index.NAMES[0]))
    list_runs(tmp_path)
    assert len(reads) == 2


def test_where_runs_cannot_be_written_to_the_cache_keeps_the_index(tmp_path, monkeypatch, reads):
    root = tmp_path / "runs"
    age(made(root, state=DONE))
    monkeypatch.setattr(os, "access", lambda path, mode: path != root)  # whoever is root may write everywhere
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = list_runs(root)
    assert list_runs(root) == first and len(reads) == 1
    assert not (root / INDEX).exists()


def test_an_index_that_cannot_be_kept_costs_nothing_but_time(tmp_path, monkeypatch):
    age(made(tmp_path, state=DONE))

    def full(*arguments, **given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "write_text", full)
    assert [status.state for status in list_runs(tmp_path)] == ["finished"]
