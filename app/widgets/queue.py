"""The queue: who waits for which devices, in which order, and other places in it."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.launching.bulk import each
from app.launching.run_rows import age_text
from app.launching.waiting import Waiting, Where, move_to, who_waits
from app.widgets.asked import remember, show_asked
from app.widgets.devices import devices_table, look
from app.widgets.pick_table import keep_picked, pick_table
from app.widgets.run_list import look_again
from app.widgets.told import show_told, tell
from specdet.runs.status import read_status
from specdet.runs.steering import steer

KEY, ROWS = "queue-table", 12
MOVES: tuple[tuple[Where, str, str], ...] = (
    ("first", "First", ":material/vertical_align_top:"),
    ("up", "Up", ":material/arrow_upward:"),
    ("down", "Down", ":material/arrow_downward:"),
    ("last", "Last", ":material/vertical_align_bottom:"),
)
MOVED = {"first": "served first now", "up": "moved up", "down": "moved down", "last": "served last now"}


def queue_panel(root: Path) -> None:
    """Show it."""
    load = look(root)
    queue = who_waits(known=load.names)
    st.subheader("Runs that wait")
    _actions(queue)
    show_told()
    show_asked()
    if queue:
        columns = {
            "place": list(range(1, len(queue) + 1)),
            "name": [waits.name for waits in queue],
            "wants": [waits.wants for waits in queue],
            "behind": [", ".join(waits.behind) or "nothing: it is about to start" for waits in queue],
            "since": [age_text(waits.since, now=time.time()) for waits in queue],
            "id": [waits.run.name for waits in queue],
        }
        opened = pick_table([str(waits.run) for waits in queue], columns, key=KEY, config=_config(), rows=ROWS,
                            mode="single-row", alt="Runs that wait")  # fmt: skip
        if opened:
            st.switch_page("pages/run.py", query_params={"run": Path(opened).name})
    else:
        st.info("No run waits for a device.", icon=":material/check:")
    st.subheader("Devices")
    devices_table(load)


def _actions(queue: Sequence[Waiting]) -> None:
    order = [waits.run for waits in queue]
    chosen = [Path(each) for each in keep_picked(KEY, [str(run) for run in order])]
    at = order.index(chosen[0]) if chosen else -1

    def move(where: Where) -> None:
        tell(each([order[at].name], lambda _: move_to(order[at], where, order=order)), did=MOVED[where])

    def cancel() -> None:
        tell(each([order[at].name], lambda _: _cancel(order[at])), did="asked to leave the queue")
        look_again()

    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(order[at].name if chosen else "Pick one by the box at its left", width=300)
        for where, label, icon in MOVES:
            there = {"first": at <= 0, "up": at <= 0}.get(where, at < 0 or at == len(order) - 1)
            st.button(label, key=f"queue-{where}", icon=icon, disabled=there, on_click=move, args=(where,))
        st.button("Cancel", key="queue-cancel", icon=":material/close:", disabled=not chosen, on_click=cancel)


def _cancel(directory: Path) -> None:
    if command := steer(directory, "stop", status=read_status(directory), by="app"):
        remember(directory, command)


def _config() -> dict[str, object]:
    column = st.column_config
    return {
        "place": column.NumberColumn("Place", width=60),
        "name": column.TextColumn("Name", width=160),
        "wants": column.TextColumn("Waits for", width=130),
        "behind": column.TextColumn("Behind", width=320),
        "since": column.TextColumn("Made", width=90),
        "id": column.TextColumn("Id", width=240),
    }
