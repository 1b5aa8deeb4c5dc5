import json
import os
import re
import subprocess
import sys
import time

import pytest

from specdet.cli import main
from specdet.runs.events import EventWriter
from tests.runs.made import REPOSITORY, RUN_ID, made, owned


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path))
    return made(tmp_path, state={"state": "finished", "attempt": 1, "t": 1.0})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "one\ntwo\nhalf"),
        (["-n", "1"], "two\nhalf"),
        (["-n", "0"], "half"),
        (["-f"], "one\ntwo\nhalf"),
        (["-f", "-n", "1"], "two\nhalf"),
    ],
)
def test_the_log_is_printed(run, capsys, arguments, expected):
    (run / "out.log").write_text("one\ntwo\nhalf")
    assert main(["logs", "last", *arguments]) == 0
    assert capsys.readouterr().out.rstrip("\n") == expected


def test_events_are_told_a_line_each(run, capsys):
    with EventWriter(run / "events.jsonl") as writer:
        writer.write("metric", {"loss": float("inf"), "lr": 0.12345678}, step=7, epoch=1)
        writer.write("checkpoint", {"path": "checkpoints/iter_00000007"}, step=7, epoch=1)
    with (run / "events.jsonl").open("a") as file:
        file.write('{"torn')
    assert main(["logs", RUN_ID, "--events"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  attempt 1  step 7  metric: loss not finite, lr 0.12346", first
    )
    assert second.endswith("checkpoint: path checkpoints/iter_00000007")


def test_a_run_without_a_log_is_told(run, capsys):
    assert main(["logs", "last"]) == 1
    assert "has no out.log" in capsys.readouterr().err


def test_following_goes_on_over_a_new_log_until_the_run_ends(run, tmp_path):
    log, state = run / "out.log", run / "state.json"
    state.write_text(json.dumps({"state": "running", "attempt": 1, "t": time.time()}))
    log.write_text("first\n")
    with owned(run):
        follower = subprocess.Popen(
            [sys.executable, "-m", "specdet.cli", "logs", "-f", RUN_ID], cwd=REPOSITORY, text=True,
            env={**os.environ, "SPECDET_RUNS": str(tmp_path)}, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert follower.stdout is not None
        assert follower.stdout.readline() == "first\n"
        log.rename(run / "out.1.log")
        with (run / "out.1.log").open("a") as file:
            file.write("before it was put aside\n")
        log.write_text("second attempt\n")
        assert follower.stdout.readline() == "before it was put aside\n"
        assert follower.stdout.readline() == "second attempt\n"
        assert follower.poll() is None
        with log.open("a") as file:
            file.write("last words")
        state.write_text(json.dumps({"state": "finished", "attempt": 2, "t": time.time()}))
        assert follower.communicate(timeout=60)[0].rstrip("\n") == "last words"
    assert follower.returncode == 0
