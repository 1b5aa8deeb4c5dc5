import pytest

from app.launching.waiting import move_to, who_waits
from tests.runs.launching import LONG, until

CPU = ("cpu",)


@pytest.fixture
def queue(launching):
    first = launching()
    queued = [launching("finish", waits=True, ready=False) for _ in range(3)]
    until(lambda: len(who_waits(known=CPU)) == 3, seconds=LONG)
    return first, queued


def order():
    return [waits.run for waits in who_waits(known=CPU)]


def test_the_queue_says_who_waits_for_what_behind_whom(queue):
    first, queued = queue
    found = who_waits(known=CPU)
    assert [waits.run for waits in found] == queued
    assert [waits.wants for waits in found] == ["cpu"] * 3
    assert found[0].behind == (first.name,)
    assert found[2].behind == (first.name, queued[0].name, queued[1].name)


def test_a_run_goes_one_place_up_or_down_or_to_an_end(queue):
    _, (a, b, c) = queue
    for run, where, expected in (
        (c, "up", [a, c, b]),
        (a, "down", [c, a, b]),
        (a, "down", [c, b, a]),
        (a, "down", [c, b, a]),
        (c, "up", [c, b, a]),
        (a, "first", [a, c, b]),
        (a, "last", [c, b, a]),
    ):
        move_to(run, where, order=order())
        assert order() == expected
    with pytest.raises(ValueError, match="does not wait"):
        move_to(a, "up", order=[b, c])
