"""Fixtures of runs."""

from tests.runs.launching import launching  # noqa: F401 (a fixture)
