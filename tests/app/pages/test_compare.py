from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from specdet.experiment import load, resolved
from specdet.runs.events import EventWriter
from tests.runs.made import made

SHELL = str(Path(__file__).parents[3] / "app" / "shell.py")
IDS = ("20260101-120000-one-0001", "20260102-120000-two-0002", "20260103-120000-two-0003")


@pytest.fixture
def runs(workspace):
    root = workspace / "runs"
    for place, run_id in enumerate(IDS):
        best = {"bbox/AP": {"value": 0.2 + 0.1 * place, "iter": 10}}
        progress = {"iter": 10, "last": {"bbox/AP": 0.2 + 0.1 * place}, "best": best}
        run = made(root, run_id, meta={"name": run_id[16:19], "created": float(place)}, progress=progress,
                   state={"state": "finished", "t": 9.0})  # fmt: skip
        (run / "spec.toml").write_text(resolved(load("specdet:rpn.toml", [f"seed={place}"])))
        with EventWriter(run / "events.jsonl") as writer:
            writer.write("metric", {"loss": 1.0 + place}, step=5, epoch=0)
            writer.write("eval", {"bbox/AP": 0.2 + 0.1 * place}, step=10, epoch=1)
    return root


def opened(ids, **query):
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.switch_page("pages/compare.py")
    at.query_params["run"] = list(ids)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def test_runs_are_shown_in_the_order_of_the_url_each_by_a_name_of_its_own(runs):
    at = opened([IDS[2], IDS[0], IDS[1]])
    table = at.dataframe[0].value
    assert list(table["run"]) == ["two 0003", "one", "two 0002"] and list(table["id"]) == [IDS[2], IDS[0], IDS[1]]
    assert at.multiselect(key="compare-metrics").value == ["bbox/AP", "loss"]
    assert len(at.get("vega_lite_chart")) == 2


def test_metrics_are_told_with_how_far_they_are_from_the_first_run(runs):
    table = opened(IDS[:2], tab="metrics").dataframe[1].value
    assert list(table["metric"]) == ["bbox/AP"]
    assert list(table["one: best"]) == ["0.2 at 10"] and list(table["two: best"]) == ["0.3 (+0.1) at 10 ◆"]


def test_only_what_differs_in_the_specs_is_shown(runs):
    table = opened(IDS, tab="spec").dataframe[0].value
    assert list(table["key"]) == ["seed"] and [list(table[name]) for name in ("one", "two 0002")] == [["0"], ["1"]]


def test_a_spec_that_cannot_be_read_is_said_and_the_rest_is_shown(runs):
    (runs / IDS[0] / "spec.toml").write_text("= broken")
    assert "cannot be compared" in opened(IDS, tab="spec").warning[0].value
    assert len(opened(IDS).dataframe) == 1


@pytest.mark.parametrize("ids", [[], [IDS[0]], [IDS[0], IDS[0]], ["../x", "none"]])
def test_fewer_than_two_runs_are_no_comparison(runs, ids):
    at = opened(ids)
    assert "Choose" in at.info[0].value and not at.dataframe


def test_runs_that_are_not_there_are_named(runs):
    at = opened([IDS[0], "gone", IDS[1]])
    assert "There is no run gone" in at.warning[0].value and list(at.dataframe[0].value["id"]) == list(IDS[:2])


def test_runs_without_predictions_say_so(runs):
    assert "must have stored predictions" in opened(IDS[:2], tab="images").info[0].value


def test_what_was_chosen_stands_in_the_url(runs):
    at = opened(IDS[:2])
    at.multiselect(key="compare-metrics").set_value(["loss"]).run()
    assert at.query_params["metric"] == "loss" and len(at.get("vega_lite_chart")) == 1
    at.multiselect(key="compare-runs").set_value([IDS[1], IDS[2]]).run()
    assert at.query_params["run"] == [IDS[1], IDS[2]]
