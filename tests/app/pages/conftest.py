"""Fixtures of pages: of those that launch runs, and a cost that costs nothing."""

import sys

import pytest

from app.browsing import cost_job
from tests.runs.launching import launching  # noqa: F401 (a fixture)


@pytest.fixture(autouse=True)
def cheap_cost(monkeypatch):
    """A page asks for the cost of a spec beside what its test is about: the answer comes at once, and without torch."""
    answer = '{"problems": [], "cost": {"classes": ["asked"]}}'
    monkeypatch.setattr(cost_job, "cost_argv", lambda spec, **_: [sys.executable, "-c", f"print({answer!r})"])
