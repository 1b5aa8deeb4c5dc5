"""run_choice: which run a page is about, as its URL says."""

from pathlib import Path

import streamlit as st

from app.widgets.run_list import all_runs, look_again
from specdet.runs.status import RunStatus

MOST_TO_CHOOSE = 500


def run_choice(root: Path, *, current: str, forgets: tuple[str, ...] = ()) -> RunStatus | None:
    """A choice among the newest runs; a change of it changes `run` in the URL.

    Args:
        root: The folder of all runs.
        current: The id that the URL says; empty for none.
        forgets: Further parameters of the URL, which are of the run that was chosen before.

    Raises:
        OSError: Where the folder cannot be read.
    """
    runs = _by_id(root)
    if current and current not in runs:  # made since the list was
        look_again()
        runs = _by_id(root)
    ids = list(runs)[:MOST_TO_CHOOSE]
    if current in runs and current not in ids:
        ids.append(current)
    key = "run-choice"
    st.session_state[key] = current if current in runs else None

    def follow() -> None:
        for name in forgets:
            st.query_params.pop(name, None)
        if (chosen := st.session_state[key]) is not None:
            st.query_params["run"] = chosen
        else:
            st.query_params.pop("run", None)

    chosen = st.selectbox("Run", ids, key=key, index=None, on_change=follow, placeholder="Its name or id",
                          format_func=lambda each: named(runs[each]))  # fmt: skip
    return None if chosen is None else runs[chosen]


def _by_id(root: Path) -> dict[str, RunStatus]:
    return {status.id: status for status in all_runs(root)}


def named(status: RunStatus) -> str:
    """A run in a list: its name, state and id."""
    return f"{status.name[:60]} · {status.state} · {status.id}"
