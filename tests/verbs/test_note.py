import pytest

from specdet.cli import main
from specdet.runs.user import UserData, read_user
from tests.runs.made import RUN_ID, made


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path))
    return made(tmp_path)


def test_a_note_is_written_printed_and_taken_back(run, capsys):
    assert main(["note", RUN_ID, "two lines\nof text"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["note", "rpn"]) == 0
    assert capsys.readouterr().out == "two lines\nof text\n"
    main(["note", "rpn", ""])
    assert read_user(run) == UserData()


def test_name_star_and_archive(run, capsys):
    main(["note", "last", "--name", "mine", "--star", "--archive"])
    assert read_user(run) == UserData(name="mine", star=True, archived=True)
    main(["note", "last", "--no-star", "--no-archive"])
    assert read_user(run) == UserData(name="mine")
    assert capsys.readouterr().out == ""


def test_no_such_run(run, capsys):
    assert main(["note", "mask", "x"]) == 1
    assert "no run in" in capsys.readouterr().err
