import sys
import time
from pathlib import Path

import pytest

from app.browsing import cost_job
from app.browsing.cost_job import CostAnswer, CostJob, cost_argv, read_answer
from specdet.experiment import load, resolved

SPEC = resolved(load("specdet:rpn.toml"))


def script(monkeypatch, text: str) -> None:
    """Let the job run a program of a few lines instead of the verb."""
    monkeypatch.setattr(cost_job, "cost_argv", lambda spec, **_: [sys.executable, "-c", text, str(spec)])


def test_the_spec_is_an_argument_and_no_shell_is_asked():
    argv = cost_argv(Path("/tmp/a; rm -rf.toml"), processes=3, folders=[Path("/data")])
    assert argv[0] == sys.executable
    assert argv[2:4] == ["-m", "specdet.cli"]
    assert argv[4:] == ["cost", "/tmp/a; rm -rf.toml", "--json", "--processes=3", "--within=/data"]


def test_the_verb_is_asked_about_the_text(tmp_path):
    job = CostJob(SPEC, processes=2, folders=[tmp_path], pause=0)
    assert job.wait(60)
    assert job.answer is not None
    assert (job.answer.cost["train_images"], job.answer.cost["steps"]) == (1100, 8 * 137)
    assert (job.answer.problems, job.answer.failure) == ((), "")


def test_data_out_of_the_folders_is_not_opened(tmp_path, bccd):
    text = resolved(load("specdet:bccd/rpn.toml", [f"data.root={bccd}"]))
    job = CostJob(text, folders=[tmp_path], pause=0)
    assert job.wait(60)
    assert job.answer is not None
    assert job.answer.cost["classes"] is None
    assert any("outside of the folders that may be read" in problem for problem in job.answer.problems)


def test_what_is_cancelled_is_ended_and_answers_nothing(monkeypatch, tmp_path):
    began = tmp_path / "began"
    script(monkeypatch, f"import time, pathlib; pathlib.Path({str(began)!r}).touch(); time.sleep(600)")
    job = CostJob(SPEC, folders=[], pause=0)
    while not began.exists():
        time.sleep(0.01)
    job.cancel()
    assert job.wait(10)
    assert job.answer is None


def test_what_is_cancelled_in_its_pause_never_starts(monkeypatch, tmp_path):
    began = tmp_path / "began"
    script(monkeypatch, f"import pathlib; pathlib.Path({str(began)!r}).touch()")
    job = CostJob(SPEC, folders=[], pause=60)
    job.cancel()
    assert job.wait(10)
    assert not began.exists()


def test_a_process_that_is_killed_is_a_sentence(monkeypatch):
    script(monkeypatch, "import os, sys; print('no room', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)")
    job = CostJob(SPEC, folders=[], pause=0)
    assert job.wait(20)
    assert job.answer is not None
    assert job.answer.failure == "it ended with exit code -9: no room"


@pytest.mark.parametrize(
    "out", ["", "[]", "{}", '{"problems": 3}', '{"problems": [], "cost": []}', '{"problems": [1]}']
)
def test_whatever_is_printed_is_an_answer(out):
    assert read_answer(out, said="", code=1) == CostAnswer(failure="it ended with exit code 1: it says nothing")
