from hypothesis import given
from hypothesis import strategies as st

from app.launching.bulk import each
from specdet.spec import SpecError


def test_each_that_refuses_says_why_and_the_others_are_done():
    done = []

    def act(run):
        if run == "spec":
            raise SpecError.one("it is running: stop it first")
        if run == "disk":
            raise OSError(28, "No space left on device", "/runs/disk/user.json")
        done.append(run)

    outcome = each(["a", "spec", "disk", "b"], act)
    assert outcome.done == ("a", "b") == tuple(done)
    assert outcome.sentence("archived") == "2 runs: archived"
    assert outcome.refusals == [
        "spec: it is running: stop it first", "disk: /runs/disk/user.json: No space left on device"
    ]  # fmt: skip
    assert each(["a"], lambda run: None).sentence("archived") == "a: archived"
    assert each([], lambda run: None).sentence("archived") == ""


@given(st.lists(st.text(max_size=3), unique=True), st.sets(st.text(max_size=3)))
def test_every_run_is_either_done_or_told_why_not(runs, bad):
    def act(run):
        if run in bad:
            raise ValueError("no")

    outcome = each(runs, act)
    assert {*outcome.done} | {*outcome.refused} == {*runs}
    assert not {*outcome.done} & {*outcome.refused}
