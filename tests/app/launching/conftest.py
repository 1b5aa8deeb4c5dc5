"""Fixtures of launches."""

from tests.runs.launching import launching  # noqa: F401 (a fixture)
