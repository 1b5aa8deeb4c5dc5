"""Fixtures of verbs that launch runs."""

from tests.runs.launching import launching  # noqa: F401 (a fixture)
