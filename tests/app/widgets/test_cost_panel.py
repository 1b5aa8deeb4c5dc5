import time

import pytest
from streamlit.testing.v1 import AppTest

from app.browsing.cost_job import CostAnswer
from app.widgets import cost_panel

COST = {
    "device": "cpu", "device_memory": 8 * 10**9, "precision": "fp32", "train_images": 1100, "val_images": 200,
    "classes": ["![x](http://evil.example)", "dog"], "epochs": 8, "steps_per_epoch": 275, "steps": 2200,
    "model": {"parameters": 2_976_431, "trainable": 2_976_431}, "batch": {"images": 4, "height": 128, "width": 96},
    "checkpoints": None, "memory": {"total": 64_000_000}, "unknown": {"checkpoints": "all are kept"},
}  # fmt: skip


class FakeJob:
    """A job that is done when a test says so."""

    made: list["FakeJob"]

    def __init__(self, text, *, processes=1, folders=()):
        self.text, self.started, self.cancelled = text, time.monotonic(), False
        self.answer: CostAnswer | None = None
        type(self).made.append(self)

    def wait(self, seconds):
        return self.answer is not None or self.cancelled

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def jobs(monkeypatch, workspace):
    monkeypatch.setattr(FakeJob, "made", [], raising=False)
    monkeypatch.setattr(cost_panel, "CostJob", FakeJob)
    cost_panel._answers.clear()
    yield FakeJob.made
    cost_panel._answers.clear()


def script() -> None:
    import streamlit as st

    from app.widgets.cost_panel import cost_panel

    cost_panel(st.session_state.get("spec", ""))


def shown(spec: str) -> AppTest:
    at = AppTest.from_function(script, default_timeout=30)
    at.session_state["spec"] = spec
    return at.run()


def test_a_spec_with_problems_has_no_cost(jobs):
    at = shown("")
    assert not at.exception
    assert (jobs, list(at.metric), list(at.caption)) == ([], [], [])


def test_what_is_waited_for_is_said_and_then_the_cost(jobs):
    at = shown("one")
    assert "Finding out what the training takes" in at.caption[0].value
    jobs[0].answer = CostAnswer(cost=COST)
    at.run()
    assert {metric.label: metric.value for metric in at.metric} == {
        "Training images": "1,100",
        "Steps": "2,200",
        "Parameters": "2.98 M",
        "Largest batch": "4 images",
        "Memory of a step": "64.0 MB",
        "Checkpoints": "—",
    }
    assert "2 classes: ![x](http://evil.example), dog" in [text.value for text in at.text]
    assert "all are kept" in [text.value for text in at.text]
    assert not [each for each in (*at.markdown, *at.caption) if "![x](" in each.value]


def test_another_text_ends_the_asking_about_the_one_before(jobs):
    at = shown("one")
    at.session_state["spec"] = "two"
    at.run()
    assert [(job.text, job.cancelled) for job in jobs] == [("one", True), ("two", False)]
    at.session_state["spec"] = ""
    at.run()
    assert jobs[1].cancelled
    at.session_state["spec"] = "one"
    at.run()
    assert len(jobs) == 3


def test_an_answer_is_kept_for_all_but_not_one_with_problems(jobs):
    at = shown("one")
    jobs[0].answer = CostAnswer(cost=COST)
    at.run()
    assert len(shown("one").metric) == 6
    assert len(jobs) == 1
    at = shown("two")
    jobs[1].answer = CostAnswer(cost=COST, problems=("data.root: the folder does not exist",))
    at.run()
    assert "data.root: the folder does not exist" in [text.value for text in at.text]
    shown("two")
    assert len(jobs) == 3
    at.button[0].click().run()
    assert len(jobs) == 4


def test_a_failure_is_a_sentence(jobs):
    at = shown("one")
    jobs[0].answer = CostAnswer(failure="it ended with exit code -9: no room")
    at.run()
    assert "exit code" in at.warning[0].value
    assert not at.exception


def test_answers_are_not_kept_without_end(jobs, monkeypatch):
    monkeypatch.setattr(cost_panel, "KEPT", 2)
    for name in "abc":
        at = shown(name)
        jobs[-1].answer = CostAnswer(cost=COST)
        at.run()
    assert len(cost_panel._answers()) == 2
