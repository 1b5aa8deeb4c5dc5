"""The queue, with fake runs: in order, visible, changed and left, when the shell that queued them is long gone."""

import signal
import time
from pathlib import Path

import pytest

from specdet.runs import tickets
from specdet.runs.control import ask
from specdet.runs.devices import Wish
from specdet.runs.tickets import Ticket, ahead, in_the_way, move, waiting
from tests.runs.launching import ended, owner_of, state_of, until

CPU = Wish(names=("cpu",))


def test_queued_runs_follow_each_other_and_one_is_taken_out(launching):
    first = launching()
    queued = launching.from_a_shell("finish", number=signal.SIGKILL, count=3, waits=True)
    until(lambda: all(state_of(run).message for run in queued))
    assert [ticket.run for ticket in waiting()] == queued
    assert state_of(queued[1]).message == f"waits for {first.name}, {queued[0].name}"
    ask(queued[1], "stop")
    until(lambda: state_of(queued[1]).has_ended)
    assert (state_of(queued[1]).state, state_of(queued[1]).reason) == ("stopped", "user")
    ask(first, "stop")
    until(lambda: state_of(queued[2]).has_ended, seconds=10)
    ended(queued[2])
    assert [state_of(run).state for run in (first, *queued)] == ["stopped", "finished", "stopped", "finished"]
    assert state_of(queued[0]).t <= log_time(queued[2])
    assert not (queued[1] / "out.log").exists()
    assert waiting() == []


def test_the_queue_is_put_into_another_order(launching):
    first = launching()
    a, b, c = (launching("finish", waits=True, ready=False) for _ in range(3))

    def order() -> list[Path]:
        return [ticket.run for ticket in waiting()]

    until(lambda: order() == [a, b, c])
    move(c)
    assert order() == [c, a, b]
    move(c, last=True)
    assert order() == [a, b, c]
    move(c, before=b)
    assert order() == [a, c, b]
    with pytest.raises(ValueError, match=f"{first.name} does not wait"):
        move(first)
    ask(first, "stop")
    until(lambda: all(state_of(run).has_ended for run in (a, b, c)), seconds=15)
    assert log_time(a) < log_time(c) < log_time(b)


def test_the_ticket_of_a_killed_supervisor_holds_nobody_up(launching):
    first = launching()
    dead, alive = (launching("finish", waits=True, ready=False) for _ in range(2))
    until(lambda: len(waiting()) == 2)
    owner_of(dead).signal(signal.SIGKILL)
    until(lambda: [ticket.run for ticket in waiting()] == [alive])
    ask(first, "stop")
    until(lambda: state_of(alive).has_ended, seconds=10)
    assert state_of(alive).state == "finished"


def test_only_those_who_want_the_same_devices_are_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known = ("a", "b")
    wishes = [Wish(names=("a",)), Wish(names=("b",)), Wish(count=1), Wish(names=("cpu",))]
    queue = [
        Ticket(id=str(place), run=tmp_path / str(place), wanted=wish, order=float(place))
        for place, wish in enumerate(wishes)
    ]
    monkeypatch.setattr(tickets, "waiting", lambda mine=None: queue)
    assert [[other.id for other in ahead(ticket, known=known)] for ticket in queue] == [[], [], ["0", "1"], []]
    assert in_the_way(Wish(names=("b",)), known=known) == ["1", "2"]


def test_what_lies_in_the_queue_by_mistake_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "specdet/queue"
    folder.mkdir(parents=True)
    for name, text in (("a.json", "{"), ("b.json", "[]"), ("c.json", '{"run": "/x"}'), ("d.txt", "")):
        (folder / name).write_text(text)
    assert waiting() == []


def log_time(run: Path) -> float:
    """When a run began to train."""
    return (run / "rank0").stat().st_mtime if (run / "rank0").exists() else time.time()
