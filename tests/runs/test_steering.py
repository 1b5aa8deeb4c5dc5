import pytest

from specdet.runs import steering
from specdet.runs.control import ask, asked, finish, outcome_of, pending
from specdet.runs.status import RunStatus
from specdet.runs.steering import refusal, refusal_to_resume, steer
from tests.runs.made import made

ALIVE = ("queued", "starting", "running", "stopping", "orphaned", "stalled", "remote")
ENDED = ("finished", "stopped", "failed", "lost")


def status(state, **fields):
    return RunStatus(id="x", name="x", state=state, **{"phase": "train", **fields})


@pytest.mark.parametrize("state", ENDED)
def test_nothing_can_be_asked_of_what_has_ended(state):
    assert all(refusal(status(state), kind) for kind in ("stop", "stop_now", "checkpoint", "evaluate"))
    assert bool(refusal_to_resume(status(state))) == (state == "finished")


@pytest.mark.parametrize("state", ALIVE)
def test_what_lives_can_always_be_stopped_at_once_and_never_be_resumed(state):
    assert not refusal(status(state), "stop_now") and refusal_to_resume(status(state))
    assert bool(refusal(status(state), "stop")) == (state == "stopping")
    assert bool(refusal(status(state), "checkpoint")) == (state in ("queued", "starting", "stopping", "orphaned"))


def test_what_waits_for_an_answer_is_not_asked_twice(tmp_path):
    run = made(tmp_path)
    first = steer(run, "checkpoint", status=status("running"), by="app")
    assert steer(run, "checkpoint", status=status("running"), by="app") == first
    assert pending(run) == [first] and first.by == "app"
    finish(run, first, outcome="done")
    assert steer(run, "checkpoint", status=status("running"), by="app") != first


def test_a_stop_goes_the_way_of_stops(tmp_path):
    run = made(tmp_path)
    assert steer(run, "stop", status=status("running"), by="app").kind == "stop"
    assert steer(run, "stop_now", status=status("running"), by="app").kind == "stop_now"


def test_processes_that_nobody_owns_are_killed(tmp_path, monkeypatch):
    killed = []
    monkeypatch.setattr(steering, "end_all", lambda *arguments: killed.append(arguments))
    run = made(tmp_path)
    assert steer(run, "stop_now", status=status("orphaned"), by="app") is None
    assert killed == [(run.name, run)] and pending(run) == []
    assert steer(run, "stop", status=status("orphaned"), by="app").kind == "stop"


def test_what_was_asked_is_told_with_its_outcome_newest_first(tmp_path):
    run = made(tmp_path)
    commands = [ask(run, "checkpoint") for _ in range(4)]
    for command in commands[:3]:
        finish(run, command, outcome="done")
    (run / "control" / "done" / "99.json").write_text('{"kind": "dance", "t": 1, "outcome": "done"}')
    found = asked(run, last=2)
    assert [(each.command.id, each.outcome) for each in found] == [
        (commands[3].id, ""), (commands[2].id, "done"), (commands[1].id, "done"),
    ]  # fmt: skip


@pytest.mark.parametrize("junk", ["", "[]", "{", "{}", '{"outcome": 3}'])
def test_a_damaged_answer_is_none(tmp_path, junk):
    command = ask(tmp_path, "stop")
    finish(tmp_path, command, outcome="done")
    assert outcome_of(tmp_path, command) == "done"
    (tmp_path / f"control/done/{command.id}.json").write_text(junk)
    assert outcome_of(tmp_path, command) is None
