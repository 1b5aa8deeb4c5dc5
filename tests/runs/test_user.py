import json
import subprocess
import sys
import threading

import pytest

from specdet.runs.user import USER, UserData, edit_user, read_user
from specdet.spec import SpecError


def test_what_was_not_given_stays(tmp_path):
    assert read_user(tmp_path) == UserData()
    edit_user(tmp_path, note="first\nsecond", star=True)
    edit_user(tmp_path, name="mine", add_tags=["b", "a", "b"])
    found = edit_user(tmp_path, archived=True, remove_tags=["b", "never there"], add_tags=["c"])
    assert found == UserData(note="first\nsecond", star=True, name="mine", tags=("a", "c"), archived=True)
    assert read_user(tmp_path) == found
    assert edit_user(tmp_path, note="", star=False, archived=False) == UserData(name="mine", tags=("a", "c"))


def test_nothing_given_writes_nothing(tmp_path):
    edit_user(tmp_path, remove_tags=["x"])
    assert not (tmp_path / USER).exists()


def test_fields_of_later_versions_stay(tmp_path):
    (tmp_path / USER).write_text('{"v": 9, "rating": 5}')
    edit_user(tmp_path, note="x")
    assert json.loads((tmp_path / USER).read_text())["rating"] == 5


@pytest.mark.parametrize("content", ['{"note": "ha', "[]"])
def test_what_cannot_be_read_is_not_overwritten(tmp_path, content):
    (tmp_path / USER).write_text(content)
    assert read_user(tmp_path) == UserData()
    with pytest.raises(SpecError, match=r"user\.json would be overwritten"):
        edit_user(tmp_path, note="x")
    assert (tmp_path / USER).read_text() == content


@pytest.mark.parametrize("tag", ["", "  ", "-a", "+a", "a b", "a,b", "x" * 65, "a\x1b[31m", "a\nb"])
def test_what_no_list_can_show_is_no_tag(tmp_path, tag):
    with pytest.raises(SpecError, match="is no tag"):
        edit_user(tmp_path, add_tags=[tag])


def test_edits_of_the_same_moment_are_all_kept(tmp_path):
    """Of threads, as in the app, and of processes."""
    code = """
import sys
from pathlib import Path
from specdet.runs.user import edit_user
for number in range(20):
    edit_user(Path(sys.argv[1]), add_tags=[f"{sys.argv[2]}-{number}"])
"""
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in ("p", "q")]
    threads = [
        threading.Thread(target=lambda name=name: [edit_user(tmp_path, add_tags=[f"{name}-{n}"]) for n in range(20)])
        for name in ("t", "u")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0]
    assert {*read_user(tmp_path).tags} == {f"{name}-{number}" for name in "pqtu" for number in range(20)}
