"""The list of all runs, looked at once for all windows."""

from pathlib import Path
from threading import Lock

import streamlit as st

from app.launching.sparklines import size_of_events, sparkline
from specdet.runs.index import RunList
from specdet.runs.status import RunStatus

_LISTING = Lock()  # windows are threads
FRESH = 1.5  # s that a list is shown again without looking


@st.cache_resource(ttl=FRESH, max_entries=4, show_spinner=False)
def all_runs(root: Path) -> tuple[RunStatus, ...]:
    """All runs of a folder, the newest first; at most so old. Raises OSError."""
    with _LISTING:
        return tuple(_run_list(root).update())


@st.cache_resource(max_entries=4, show_spinner=False)
def _run_list(root: Path) -> RunList:
    return RunList(root)


def look_again() -> None:
    """Let the next list be a new one: something was done to a run."""
    all_runs.clear()


def loss_line(directory: Path) -> list[float]:
    """The course of the loss, read again only where the events have grown."""
    size = size_of_events(directory)
    return _loss_line(str(directory), size) if size else []


@st.cache_data(max_entries=2000, show_spinner=False)
def _loss_line(directory: str, size: int) -> list[float]:
    return sparkline(Path(directory), "loss")
