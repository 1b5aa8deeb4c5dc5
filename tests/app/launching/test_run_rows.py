import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.launching.run_rows import columns_of, metrics_of, page_of, progress_of, state_text, tags_of, took_text
from app.states import LOOKS
from specdet.runs.status import STATES, RunStatus

RUN = RunStatus(
    id="20260101-120000-rpn-0001",
    name="![x](http://evil/)",
    state="running",
    iter=25,
    max_iters=100,
    eta_s=3720.0,
    last={"bbox/AP": 0.25, "loss": 1.5},
    best={"bbox/AP": 0.5, "loss": None},
    tags=("a", "b"),
    note="first\nrest",
    star=True,
    created=1000.0,
    updated=1500.0,
    devices=("cpu",),
    parent="old",
)


def cells(run=RUN, *, metric="", now=4600.0):
    columns = columns_of([run], metric=metric, now=now, line_of=lambda run: [2.0, 1.0])
    return {name: value for name, (value,) in columns.items()}


def test_a_row_says_all_that_a_person_looks_for():
    assert cells() == {
        "star": "★", "state": "▶ running", "name": "![x](http://evil/)", "progress": 25.0, "left": "1h02m",
        "loss": [2.0, 1.0], "metric": "bbox/AP", "best": 0.5, "last": 0.25, "tags": ["a", "b"], "about": "first",
        "age": "1h00m ago", "took": "1h00m", "devices": "cpu", "parent": "old", "id": "20260101-120000-rpn-0001",
    }  # fmt: skip


def test_another_metric_may_be_asked_for():
    found = cells(metric="loss")
    assert (found["metric"], found["best"], found["last"]) == ("loss", None, 1.5)
    assert cells(metric="segm/AP")["best"] is None


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_a_sign_and_a_word(state):
    assert state_text(RunStatus(id="a", name="a", state=state)) == f"{LOOKS[state].sign} {state}"


def test_a_phase_other_than_training_is_told():
    assert state_text(RunStatus(id="a", name="a", state="running", phase="eval")) == "▶ running, eval"
    assert state_text(RunStatus(id="a", name="a", state="running", phase="train")) == "▶ running"


def test_progress_is_a_part_of_the_whole_where_that_is_known():
    assert progress_of(RunStatus(id="a", name="a", state="running", iter=7)) is None
    assert progress_of(RunStatus(id="a", name="a", state="running", iter=150, max_iters=100)) == 100.0


def test_a_run_that_has_ended_took_until_its_last_sign_of_life():
    run = RunStatus(id="a", name="a", state="failed", created=1000.0, updated=1090.0)
    assert took_text(run, now=99999.0) == "1m"
    assert took_text(RunStatus(id="a", name="a", state="lost", created=1000.0), now=99999.0) == ""


@given(st.integers(0, 130), st.integers(-5, 200), st.integers(1, 40))
def test_every_page_is_there_and_all_pages_are_all_runs(count, number, size):
    runs = [RunStatus(id=str(each), name="", state="lost") for each in range(count)]
    page = page_of(runs, number, size=size)
    assert 1 <= page.number <= page.count and page.total == count and len(page.runs) <= size
    pages = [page_of(runs, each, size=size).runs for each in range(1, page.count + 1)]
    assert [run for each in pages for run in each] == runs


def test_metrics_and_tags_of_all_runs_are_known_once():
    assert metrics_of([RUN, RUN]) == ["bbox/AP", "loss"]
    assert tags_of([RUN, RunStatus(id="a", name="a", state="lost", tags=("c", "a"))]) == ["a", "b", "c"]
