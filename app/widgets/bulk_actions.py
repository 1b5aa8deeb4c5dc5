"""What can be done to several runs at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import streamlit as st

from app.launching.bulk import each
from app.plain import plain
from app.reading.guard import refuse_links
from app.security.roots import Roots
from app.widgets.asked import remember
from app.widgets.confirm import ask_first, confirm
from app.widgets.pick_table import unpick
from app.widgets.run_list import look_again
from app.widgets.told import tell
from specdet.runs.status import RunStatus, read_status
from specdet.runs.steering import refusal, steer
from specdet.runs.trash import move_to_trash
from specdet.runs.user import edit_user

FEWEST_TO_COMPARE, MOST_NAMED = 2, 5


def bulk_actions(root: Path, *, runs: Sequence[RunStatus], key: str) -> None:
    """Buttons for the runs that are picked in the table `key`; they stand there also where none is."""
    ids = [run.id for run in runs]
    none = not ids

    def act(did: str, what: Callable[[str], Any]) -> None:
        tell(each(ids, what), did=did)
        look_again()

    def edit(did: str, **changes: Any) -> None:
        act(did, lambda run: edit_user(_own(root, run), **changes))

    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(ids)} picked" if ids else "None picked", width=150)
        # Links, unlike buttons that switch the page, leave a history that Back goes through in one step.
        st.page_link("pages/run.py", label="Open", icon=":material/monitoring:", disabled=len(ids) != 1,
                     query_params={"run": ids[:1]})  # fmt: skip
        st.page_link("pages/compare.py", label="Compare", icon=":material/difference:",
                     disabled=len(ids) < FEWEST_TO_COMPARE, query_params={"run": ids})  # fmt: skip
        alive = any(run.is_alive for run in runs)
        st.button("Stop and save", type="tertiary", icon=":material/stop_circle:", disabled=not alive,
                  on_click=ask_first, args=("stop", [run.id for run in runs if run.is_alive]))  # fmt: skip
        starred = bool(runs) and all(run.star for run in runs)
        star = "Unstar" if starred else "Star"
        st.button(star, type="tertiary", key="star-picked", icon=":material/star:", disabled=none, on_click=edit,
                  args=(f"{star.lower()}red",), kwargs={"star": not starred})  # fmt: skip
        shelved = bool(runs) and all(run.archived for run in runs)
        shelve = "Unarchive" if shelved else "Archive"
        st.button(shelve, type="tertiary", key="archive-picked", icon=":material/archive:", disabled=none,
                  on_click=edit, args=(f"{shelve.lower()}d",), kwargs={"archived": not shelved})  # fmt: skip
        with st.popover("Tags", type="tertiary", icon=":material/sell:", disabled=none):
            _tags(runs, edit)
        st.button(
            "Trash", type="tertiary", icon=":material/delete:", disabled=none, on_click=ask_first, args=("trash", ids)
        )
        st.button("Unpick", type="tertiary", icon=":material/close:", disabled=none, on_click=unpick, args=(key,))

    def stop(runs: Sequence[str]) -> None:
        tell(each(runs, lambda run: _stop(_own(root, run))), did="asked to stop")
        look_again()

    def trash(runs: Sequence[str]) -> None:
        tell(each(runs, lambda run: move_to_trash(root / run)), did="moved to the trash")
        look_again()

    confirm("stop", lambda runs: f"Stop {_named(runs)}? Each saves a checkpoint first, and can be resumed.",
            yes="Stop and save them", act=stop)  # fmt: skip
    confirm("trash", lambda runs: f"Move {_named(runs)} to the trash? The trash gives them back.",
            yes="Move them to the trash", act=trash)  # fmt: skip


def _own(root: Path, run: str) -> Path:
    """The directory of a run that is written to. Raises Outside where that, or a file of it, lies elsewhere."""
    directory = attrs.evolve(Roots.here(), runs=root).run(run)
    refuse_links(directory)
    return directory


def _named(runs: Sequence[str]) -> str:
    shown = ", ".join(runs[:MOST_NAMED])
    return plain(shown if len(runs) <= MOST_NAMED else f"{shown} and {len(runs) - MOST_NAMED} more")


def _tags(runs: Sequence[RunStatus], edit: Callable[..., None]) -> None:
    def add() -> None:
        tag = st.session_state["tag-to-add"]
        if tag.strip():
            edit(f"tagged {tag.strip()}", add_tags=[tag])
            st.session_state["tag-to-add"] = ""

    st.text_input("Add a tag", key="tag-to-add", on_change=add, placeholder="Enter adds it")
    for tag in sorted({tag for run in runs for tag in run.tags}):
        st.button(plain(tag), key=f"untag-{tag}", icon=":material/close:", help="Remove this tag", on_click=edit,
                  args=(f"no longer tagged {tag}",), kwargs={"remove_tags": [tag]})  # fmt: skip


def _stop(directory: Path) -> None:
    status = read_status(directory)
    if why := refusal(status, "stop"):
        raise ValueError(why)
    if command := steer(directory, "stop", status=status, by="app"):
        remember(directory, command)
