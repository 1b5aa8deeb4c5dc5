"""What people say of a run, above all else of its page: name, star, tags, note."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from app.plain import plain
from specdet.runs.status import RunStatus
from specdet.runs.user import edit_user
from specdet.spec import SpecError

TOLD = "run-edit-problem"
LONGEST_TITLE = 120  # characters


def run_title(directory: Path, status: RunStatus) -> None:
    """Show them, and change them."""

    def edit(**changes: Any) -> None:
        _try(lambda: edit_user(directory, **changes))

    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(status.name[:LONGEST_TITLE]), width="stretch", anchor=False)
        st.button("Unstar" if status.star else "Star", icon=":material/star:", on_click=edit,
                  type="primary" if status.star else "secondary", kwargs={"star": not status.star})  # fmt: skip
        with st.popover("Name, tags and note", icon=":material/edit_note:"):
            _form(directory, status, edit)
    if problem := st.session_state.pop(TOLD, ""):
        st.error(plain(problem))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text(status.id if status.name != status.id else "")
        for tag in status.tags:
            st.badge(plain(tag), icon=":material/sell:", color="gray")
        if status.archived:
            st.badge("archived", icon=":material/archive:", color="gray")
        if status.parent:
            st.page_link("pages/run.py", label="Repeats another run", icon=":material/history:",
                         query_params={"run": status.parent}, help=plain(status.parent))  # fmt: skip
    if status.note:
        st.text(status.note)


def _form(directory: Path, status: RunStatus, edit: Callable[..., None]) -> None:
    key = f"about-{status.id}"

    def save() -> None:
        shown = {"name": status.name, "note": status.note}
        said = {name: text for name, before in shown.items() if (text := st.session_state[f"{key}-{name}"]) != before}
        if said:  # what was not touched here may have another value by now
            edit(**said)

    def add() -> None:
        tags = st.session_state[f"{key}-tag"].split()
        if tags:
            edit(add_tags=tags)
            st.session_state[f"{key}-tag"] = ""

    with st.form(key, border=False):
        st.text_input("Name", value=status.name, key=f"{key}-name", max_chars=200)
        st.text_area("Note", value=status.note, key=f"{key}-note", height=140)
        st.form_submit_button("Save", on_click=save, type="primary")
    st.text_input("Add tags", key=f"{key}-tag", on_change=add, placeholder="Words; Enter adds them")
    with st.container(horizontal=True):
        for tag in status.tags:
            st.button(plain(tag), key=f"{key}-untag-{tag}", icon=":material/close:", on_click=edit,
                      kwargs={"remove_tags": [tag]}, help="Remove this tag")  # fmt: skip


def _try(change: Callable[[], object]) -> None:
    """Do it, or say after the next refresh why it could not be done."""
    try:
        change()
    except (SpecError, OSError) as error:
        st.session_state[TOLD] = str(error)
