"""The trash: runs that were removed, and how to have them back."""

import time
from pathlib import Path

import streamlit as st

from app.launching.bulk import each
from app.launching.run_rows import age_text
from app.widgets.pick_table import keep_picked, pick_table, unpick
from app.widgets.run_list import look_again
from app.widgets.told import show_told, tell
from specdet.runs.prune import TRASH_DAYS
from specdet.runs.trash import restore, trashed_runs

KEY, ROWS = "trash-table", 20


def trash_table(root: Path) -> None:
    """Show it, what was removed last on top."""
    found = [*reversed(trashed_runs(root))]
    if not found:
        st.info("The trash is empty.", icon=":material/check:")
        return
    chosen = keep_picked(KEY, [path.name for path, _ in found])

    def put_back() -> None:
        places = {path.name: path for path, _ in found}
        tell(each(chosen, lambda run: restore(places[run])), did="put back")
        unpick(KEY)
        look_again()

    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(chosen)} picked" if chosen else "Pick runs by the boxes at the left", width=230)
        st.button("Put back", icon=":material/restore_from_trash:", disabled=not chosen, on_click=put_back)
    show_told()
    columns = {
        "id": [path.name for path, _ in found],
        "since": [age_text(since, now=time.time()) for _, since in found],
    }
    config = {"open": None, "id": st.column_config.TextColumn("Id", width=400),
              "since": st.column_config.TextColumn("Removed", width=120)}  # fmt: skip
    pick_table([path.name for path, _ in found], columns, key=KEY, config=config, rows=ROWS, alt="Runs in the trash")
    st.caption(f"`specdet runs prune` deletes what has lain here for {TRASH_DAYS:.0f} days.")
