"""What was asked of runs from this window, until they have answered."""

import time
from pathlib import Path

import streamlit as st

from app.plain import plain
from specdet.runs.control import Command, outcome_of
from specdet.runs.status import read_status

KEY = "asked-of-runs"
WORDS = {
    "stop": "stop and save",
    "stop_now": "stop at once",
    "checkpoint": "write a checkpoint",
    "evaluate": "evaluate",
}


def remember(directory: Path, command: Command) -> None:
    """Show what comes of a command."""
    st.session_state[KEY] = [*st.session_state.get(KEY, ()), (str(directory), command)]


def show_asked() -> None:
    """Say what was asked and not answered yet, and once what the answer is."""
    waiting = []
    for place, command in st.session_state.get(KEY, ()):
        directory = Path(place)
        status = read_status(directory)
        outcome = outcome_of(directory, command) or ("done" if not status.is_alive else None)
        if outcome is None:
            waiting.append((place, command))
            st.info(
                f"{plain(status.name)} was asked to {WORDS[command.kind]} {time.time() - command.t:.0f} s ago and has "
                "not answered yet.",
                icon=":material/hourglass_empty:",
            )
        elif outcome == "done":
            st.toast(f"{plain(status.name)}: {plain(status.state)}", icon=":material/check:")
        else:
            st.toast(f"{plain(status.name)}: {plain(outcome)}", icon=":material/error:", duration="long")
    st.session_state[KEY] = waiting
