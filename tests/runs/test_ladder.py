import pytest

from specdet.runs.ladder import GRACE, NOW_GRACE, SIGTERM_GRACE, Ladder


def climb(ladder: Ladder, *, until: float, phase: str | None, start: int = 0) -> dict[int, str]:
    """What is due, by second."""
    return {now: action for now in range(start, int(until) + 1) if (action := ladder.due(now=now, phase=phase))}


def test_nothing_is_due_of_a_run_that_nobody_asked_to_stop():
    assert not climb(Ladder(), until=1000, phase="train")


@pytest.mark.parametrize("phase", ["train", "eval"])
def test_a_training_has_two_minutes_and_after_sigterm_half_a_minute(phase):
    ladder = Ladder()
    ladder.ask("stop", now=0)
    assert climb(ladder, until=1000, phase=phase) == {GRACE: "terminate", GRACE + SIGTERM_GRACE: "kill"}


@pytest.mark.parametrize("phase", [None, "prepare"])
def test_what_has_nothing_to_save_is_told_at_once(phase):
    ladder = Ladder()
    ladder.ask("stop", now=0)
    assert climb(ladder, until=1000, phase=phase) == {0: "terminate", SIGTERM_GRACE: "kill"}


def test_a_checkpoint_that_is_being_written_is_waited_for():
    ladder = Ladder()
    ladder.ask("stop", now=0)
    assert not climb(ladder, until=5000, phase="save")
    assert climb(ladder, until=6000, phase="train", start=5001) == {5001: "terminate", 5001 + SIGTERM_GRACE: "kill"}


def test_stop_now_kills_after_seconds_whatever_goes_on():
    ladder = Ladder()
    ladder.ask("stop", now=0)
    ladder.ask("stop_now", now=10)
    assert climb(ladder, until=1000, phase="save", start=10) == {10 + NOW_GRACE: "kill"}


def test_asking_again_does_not_start_anew():
    ladder = Ladder()
    ladder.ask("stop_now", now=0)
    ladder.ask("stop_now", now=4)
    ladder.ask("stop", now=4)
    assert ladder.asked == "stop_now"
    assert climb(ladder, until=10, phase="train", start=4) == {NOW_GRACE: "kill"}


def test_a_shorter_grace_shortens_every_step():
    ladder = Ladder(grace=2)
    ladder.ask("stop", now=0)
    assert climb(ladder, until=1000, phase="train") == {2: "terminate", 4: "kill"}
