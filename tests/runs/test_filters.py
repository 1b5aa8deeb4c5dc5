import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.runs.filters import Filter, in_order, since
from specdet.runs.status import STATES, RunStatus

RUNS = [
    RunStatus(
        id="20260101-a", name="Mask", state="running", tags=("coco", "big"), note="try GN\nthen BN", created=30.0
    ),
    RunStatus(id="20260102-b", name="rpn", state="finished", tags=("coco",), star=True, created=20.0),
    RunStatus(id="20260103-c", name="rpn", state="failed", archived=True, created=10.0),
]
texts = st.text("aAbB GN-", max_size=6)
runs = st.builds(
    RunStatus,
    id=texts,
    name=texts,
    state=st.sampled_from(STATES),
    note=texts,
    tags=st.lists(st.sampled_from("ab"), max_size=2),
    star=st.booleans(),
    archived=st.booleans(),
    created=st.floats(0, 100),
    best=st.dictionaries(st.sampled_from("mn"), st.none() | st.floats(0, 1), max_size=2),
)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(), "ab"),
        (Filter(archived=True), "abc"),
        (Filter(states=("running", "failed")), "a"),
        (Filter(tags=("coco", "big")), "a"),
        (Filter(starred=True), "b"),
        (Filter(since=25.0), "a"),
        (Filter(name="RP"), "b"),
        (Filter(text="gn MASK"), "a"),
        (Filter(text="gn rpn"), ""),
        (Filter(text="coco"), "ab"),
        (Filter(text="0102-"), "b"),
        (Filter(text="01"), ""),
        (Filter(text="  "), "ab"),
    ],
)
def test_what_is_said_of_a_run_decides_whether_it_is_wanted(wanted, ids):
    assert "".join(run.id[-1] for run in wanted.of(RUNS)) == ids


def test_a_part_of_an_id_is_found_in_whatever_case():
    run = RunStatus(id="My-First", name="rpn", state="finished")
    assert Filter(name="my-f").of([run]) == [run]


@given(st.lists(runs), st.sampled_from(["created", "updated", "name", "state", "m"]), st.booleans())
def test_an_order_loses_and_adds_nothing(found, key, reverse):
    try:
        ordered = in_order(found, key, reverse=reverse)
    except ValueError:
        assert found and not any(key in run.best for run in found)
        return
    assert sorted(ordered, key=id) == sorted(found, key=id)


@given(st.lists(runs, min_size=1), st.booleans())
def test_runs_without_the_metric_come_last(found, reverse):
    if not any("m" in run.best for run in found):
        with pytest.raises(ValueError, match="no run has a metric 'm'"):
            in_order(found, "m", reverse=reverse)
        return
    values = [run.best.get("m") for run in in_order(found, "m", reverse=reverse)]
    measured = [value for value in values if value is not None]
    assert values[: len(measured)] == measured == sorted(measured, reverse=not reverse)


@given(st.lists(runs), texts, texts)
def test_more_words_never_find_more(found, one, other):
    both, first = Filter(text=f"{one} {other}").of(found), Filter(text=one).of(found)
    assert all(run in first for run in both)


def test_times_are_told_backwards_from_now_or_as_dates():
    assert since("2d", now=1e6) == 1e6 - 2 * 86400
    assert since("1.5h", now=1e6) == 1e6 - 5400
    assert since("2026-01-02") - since("2026-01-01") == 86400
    for text in ("", "3", "3x", "-3d", "yesterday", "99999-01-01"):
        with pytest.raises(ValueError, match="is no time"):
            since(text)


@pytest.mark.parametrize(("metric", "first"), [("bbox/AP", 0.9), ("val/loss", 0.1)])
def test_the_best_run_comes_first_whichever_way_its_metric_goes(metric, first):
    runs = [RunStatus(id=str(value), name="", state="finished", best={metric: value}) for value in (0.5, 0.1, 0.9)]
    values = [run.best[metric] for run in in_order(runs, metric)]
    assert values[0] == first
    assert [run.best[metric] for run in in_order(runs, metric, reverse=True)] == values[::-1]
