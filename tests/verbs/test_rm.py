import io
import sys
import time

import pytest

from specdet.cli import main
from tests.runs.made import made, owned

DONE = {"state": "finished", "attempt": 1, "t": 1.0}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path))
    for name in ("mask-1", "rpn-2"):
        made(tmp_path, name, state=DONE)
    return tmp_path


def runs(root):
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


def test_runs_go_and_come_back(root, capsys):
    assert main(["rm", "mask", "rpn", "--yes"]) == 0
    assert runs(root) == [] and "specdet rm --restore mask-1" in capsys.readouterr().out
    assert main(["rm", "--restore"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"mask-1", "rpn-2"}
    assert main(["rm", "--restore", "rpn"]) == 0
    assert runs(root) == ["rpn-2"] and capsys.readouterr().out.strip() == str(root / "rpn-2")


def test_all_go_or_none(root, capsys):
    alive = made(root, "alive", state={"state": "running", "attempt": 1, "t": time.time()})
    with owned(alive):
        assert main(["rm", "mask", "alive", "--yes"]) == 1
    assert "alive is running: stop it first" in capsys.readouterr().err
    assert main(["rm", "mask", "nowhere", "--yes"]) == 1
    assert runs(root) == ["alive", "mask-1", "rpn-2"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("answer", "left"), [("y\n", ["rpn-2"]), ("\n", ["mask-1", "rpn-2"]), ("", ["mask-1", "rpn-2"])]
)
def test_a_person_is_asked(root, monkeypatch, capsys, answer, left):
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    main(["rm", "mask"])
    assert runs(root) == left and str(root / "mask-1") in capsys.readouterr().out


def test_where_nobody_can_be_asked_nothing_goes(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["rm", "mask"]) == 2
    assert runs(root) == ["mask-1", "rpn-2"] and "--yes" in capsys.readouterr().err


def test_no_run_is_no_request(root, capsys):
    assert main(["rm", "--yes"]) == 2
    assert "which runs?" in capsys.readouterr().err
