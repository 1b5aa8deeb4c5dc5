"""The bar above a spec that is edited: what state it is in, and what can be done with it."""

from collections.abc import Callable
from time import time

import streamlit as st

from app.editing.buffer import Buffer
from app.editing.checked import Checked
from app.editing.naming import new_target, proposed_name, sentence
from app.editing.saving import save, save_as, save_over
from app.editing.session import Editing
from app.plain import plain
from app.security.roots import Outside
from specdet.spec import SpecError


def spec_bar(editing: Editing, checked: Checked, *, part: bool) -> None:
    """Name, state, and the buttons: undo, redo, save, save as."""
    target, buffer = editing.target, editing.buffer
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"#### {plain(target.name)}", width="content")
        if buffer.changed:
            st.badge("unsaved", icon=":material/edit:", color="orange")
        elif not target.why_fixed:
            st.badge("saved", icon=":material/check:", color="gray")
        count = len(checked.problems)
        if count:
            st.badge(f"{count} problem{'s' * (count > 1)}", icon=":material/error:", color="red")
        else:
            st.badge("fine so far as a part" if part else "fine", icon=":material/check_circle:", color="green")
        st.space("stretch")
        st.button("", icon=":material/undo:", help="undo (Ctrl+Z in the text)", key="undo", disabled=not buffer.past,
                  on_click=lambda: editing.go_on(editing.buffer.undone(), at=time()))  # fmt: skip
        st.button("", icon=":material/redo:", help="redo (Ctrl+Y in the text)", key="redo", disabled=not buffer.future,
                  on_click=lambda: editing.go_on(editing.buffer.redone(), at=time()))  # fmt: skip
        if not target.why_fixed:
            st.button("Save", icon=":material/save:", shortcut="Ctrl+S", key="save", type="primary",
                      disabled=not buffer.changed, on_click=_save, args=(editing,))  # fmt: skip
        if st.button("Save as", key="save_as", type="primary" if target.why_fixed else "secondary",
                     shortcut="Ctrl+S" if target.why_fixed else None):  # fmt: skip
            save_as_dialog(editing)


def ways_on(editing: Editing) -> None:
    """The buttons that lead to what is done with a spec."""
    query = {"spec": editing.target.name}
    if st.button("Data", icon=":material/photo_library:", key="data", help="look at the images of the saved file"):
        st.switch_page("pages/data.py", query_params=query)
    if st.button("Launch", icon=":material/play_arrow:", key="launch"):
        if editing.buffer.changed:
            launch_dialog(editing)
        else:
            st.switch_page("pages/launch.py", query_params=query)


def _save(editing: Editing, how: Callable[[Buffer], Buffer] = save) -> None:
    """Save, and say so; where it was refused, `editing.not_saved` says why."""
    if editing.save(how, at=time()):
        st.toast("Saved.", icon=":material/check:")


@st.dialog("Save as")
def save_as_dialog(editing: Editing) -> None:
    """Ask for a name in the workspace, and write the text there."""
    st.caption("In the folder that the app was started in. What the spec extends is named from its new place.")
    name = st.text_input("Name", value=proposed_name(editing.target), key="save_as_name", live=True)
    if st.button("Save", type="primary", key="save_as_do"):
        try:
            target = new_target(name)
            save_as(editing.buffer, target.path)
        except (Outside, SpecError, OSError) as error:
            st.error(plain(sentence(error)))
            return
        if editing.target.why_fixed:
            editing.go_on(editing.buffer.undone_all(), at=time())
        st.switch_page("pages/edit.py", query_params={"file": target.name})


@st.dialog("Launch")
def launch_dialog(editing: Editing) -> None:
    """Ask what to do with changes that a launch would not see."""
    st.markdown("A launch reads the file, and the file does not have your changes yet.")
    with st.container(horizontal=True):
        fixed = bool(editing.target.why_fixed)
        if st.button("Save and launch", type="primary", key="save_and_launch", disabled=fixed):
            _save(editing)
            if editing.not_saved:
                st.rerun()
            st.switch_page("pages/launch.py", query_params={"spec": editing.target.name})
        if st.button("Launch the file as it is", key="launch_saved"):
            st.switch_page("pages/launch.py", query_params={"spec": editing.target.name})
    if fixed:
        st.caption("This file cannot be changed: save your changes under another name, and launch that.")


def conflict_view(editing: Editing) -> None:
    """What to do where the file on disk is no longer what was opened."""
    with st.container(horizontal=True):
        st.button("Load theirs", key="load_theirs", icon=":material/download:", on_click=_load_theirs, args=(editing,),
                  help="yours stays: Undo brings it back, and it is kept as a draft")  # fmt: skip
        st.button("Save mine over theirs", key="save_over", icon=":material/save:", on_click=_save,
                  args=(editing, save_over))  # fmt: skip
        if st.button("Save mine under another name", key="save_other"):
            save_as_dialog(editing)


def _load_theirs(editing: Editing) -> None:
    editing.set_aside()
    editing.load(at=time())
