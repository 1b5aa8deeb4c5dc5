"""Dialogs that make a spec file: from a template, or from a spec that comes with specdet."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.editing.buffer import Buffer
from app.editing.naming import new_target, proposed_name, sentence
from app.editing.saving import on_disk, save_as
from app.editing.target import Target
from app.plain import plain
from app.security.roots import Outside
from specdet.spec import SpecError
from specdet.spec.editing.edit import SpecFile
from specdet.spec.editing.templates import description, templates

EXTEND, COPY = "extend", "copy"
WAYS = {
    EXTEND: "A spec that extends it, and says only what you change",
    COPY: "A copy of its text",
}


@st.dialog("New spec")
def new_spec_dialog() -> None:
    """Ask for a template and a name, and write the file."""
    known = templates()
    about = [plain(description(text)) for text in known.values()]
    chosen = st.radio("Start from", list(known), key="new_template", captions=about)
    name = st.text_input("Name", key="new_name", placeholder="my_spec.toml", live=True)
    st.caption("In the folder that the app was started in; folders are made, as in experiments/first.toml.")
    if st.button("Make it", type="primary", key="new_do", disabled=not name.strip()):
        _write(name, lambda path: SpecFile.new(path, known[chosen]).save())


@st.dialog("Copy to edit")
def copy_dialog(target: Target) -> None:
    """Ask how a shipped spec is to be taken over, and write the file."""
    way = st.radio("Make", list(WAYS), key="copy_way", format_func=WAYS.__getitem__)
    name = st.text_input("Name", value=proposed_name(target), key="copy_name", live=True)
    if st.button("Make it", type="primary", key="copy_do", disabled=not name.strip()):
        _write(name, lambda path: _taken_over(target, path, extends=way == EXTEND))


def _taken_over(target: Target, path: Path, *, extends: bool) -> SpecFile:
    if extends:
        return SpecFile.new(path, f'spec = 1\nextends = ["{target.name}"]\n').save()
    file = on_disk(target.path)
    if file is None:
        raise SpecError.one("is gone")
    return save_as(Buffer.of(file), path)


def _write(name: str, make: Callable[[Path], SpecFile]) -> None:
    """Make the file and go on to edit it, or say why not."""
    try:
        target = new_target(name)
        target.path.parent.mkdir(parents=True, exist_ok=True)
        make(target.path)
    except (Outside, SpecError, OSError) as error:
        st.error(plain(sentence(error)))
        return
    st.switch_page("pages/edit.py", query_params={"file": target.name})
