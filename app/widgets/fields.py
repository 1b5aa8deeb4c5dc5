"""Fields of a form: a widget, what it means, where its value is from, and what is wrong with it."""

from collections.abc import Iterable
from time import time
from typing import Any

import attrs
import streamlit as st

from app.editing import edits
from app.editing.checked import Checked
from app.editing.form import FormField, Source, Widget
from app.editing.session import Edit, Editing
from app.editing.typed import same_when_typed, shown
from app.plain import plain
from specdet.spec.paths import dotted
from specdet.spec.problems import Problem
from specdet.spec.values import value_text


@attrs.frozen(kw_only=True)
class FormView:
    """A form on a page: what its widgets change, and by what keys they are known."""

    editing: Editing
    checked: Checked
    key: str
    enabled: bool

    def key_of(self, path: tuple[str, ...], what: str = "field") -> str:
        """The key of a widget."""
        return f"{self.key}/{what}/{dotted(path)}"

    def apply(self, edit: Edit, path: tuple[str, ...]) -> None:
        """Do an edit, from a callback."""
        self.editing.apply(edit, path=path, at=time())


def field_view(view: FormView, field: FormField) -> None:
    """One field."""
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
            _widget(view, field)
            _way_back(view, field)
        st.caption(_caption(view, field))
        problem_lines(view, field.problems)


def problem_lines(view: FormView, problems: Iterable[Problem]) -> None:
    """What is wrong, a line each, with the file where it stands in another one."""
    for problem in problems:
        place = "" if view.checked.is_here(problem) else f"{problem.label}: "
        notes = "".join(f" ({note.label}: {note.path} {note.message})" for note in problem.notes)
        sign = ":material/error:" if problem.kind == "spec" else ":material/warning:"
        st.markdown(f":small[:red[{sign} {plain(place + problem.message + notes)}]]")


def _widget(view: FormView, field: FormField) -> None:
    key = view.key_of(field.path)
    label = _label(field)
    fixed = not view.enabled or (not field.applies and not field.own)

    def entered() -> None:
        given: Any = st.session_state[key]
        match field.widget:
            case Widget.TEXT:
                view.apply(lambda file: edits.enter(file, field, given), field.path)
            case _ if given is None or (field.widget is Widget.TOGGLE and given == field.below):
                view.apply(lambda file: edits.reset(file, field.path), field.path)
            case _:
                view.apply(lambda file: edits.put(file, field.path, given, ground=field.ground), field.path)

    match field.widget:
        case Widget.TOGGLE:
            _say(key, bool(field.value))
            with st.container():
                st.toggle(label, key=key, disabled=fixed, on_change=entered)
        case Widget.CHOICE:
            own = field.value if field.own else None
            options = list(field.kind.choices)
            options += [own] if own is not None and not any(_is(own, each) for each in options) else []
            _say(key, own)
            st.selectbox(label, options, index=None, key=key, disabled=fixed, on_change=entered,
                         placeholder=field.text or "not given", format_func=_option)  # fmt: skip
        case Widget.TEXT:
            _keep_typed(key, field)
            st.text_input(label, key=key, disabled=fixed, on_change=entered, live=True,
                          placeholder=_placeholder(field))  # fmt: skip


def _keep_typed(key: str, field: FormField) -> None:
    """Let a text input show the value, but leave it alone where it shows another spelling of that."""
    typed = st.session_state.get(key)
    reference = field.field.meta.reference
    if field.own and typed is not None and same_when_typed(typed, field.value, field.kind, reference=reference):
        return
    if not field.own and typed is not None and not typed.strip():
        return
    _say(key, field.text if field.own else "")


def _say(key: str, value: Any) -> None:
    """Set what a widget shows, if it shows something else: setting it anew would undo what is being typed."""
    if key not in st.session_state or not _is(st.session_state[key], value):
        st.session_state[key] = value


def _way_back(view: FormView, field: FormField) -> None:
    key = view.key_of(field.path, "back")
    if field.own:
        then = "the inherited value" if field.source is Source.INHERITED else "what lies below it"
        below = shown(field.below, field.kind)
        tip = f"take it out of the file, back to {below}" if below else f"take it out of the file, back to {then}"
        _button(view, key, ":material/undo:", tip, lambda file: edits.reset(file, field.path), field)
    elif field.removed:
        _button(view, key, ":material/settings_backup_restore:", "take it out of unset, so that the inherited value "
                "counts again", lambda file: edits.restore(file, field.path), field)  # fmt: skip
    elif field.can_be_unset:
        _button(view, key, ":material/block:", "unset the inherited value",
                lambda file: edits.unset(file, field.path, inherited=True), field)  # fmt: skip


def _button(view: FormView, key: str, icon: str, tip: str, edit: Edit, field: FormField) -> None:
    st.button("", key=key, icon=icon, help=plain(tip), type="tertiary", disabled=not view.enabled,
              on_click=view.apply, args=(edit, field.path))  # fmt: skip


def _label(field: FormField) -> str:
    """Without marks of Markdown, which a screen reader would say."""
    unit = f" ({plain(field.field.meta.unit)})" if field.field.meta.unit else ""
    return f"{plain(field.name)}{unit}{' ●' if field.own else ''}"


def _caption(view: FormView, field: FormField) -> str:
    described = field.field
    parts = [described.meta.help, described.type_text]
    if not field.applies:
        parts.append(f"matters {described.condition_text}")
    parts.append(_state(view, field))
    help, *facts = [plain(part) for part in parts if part]
    return f"{help}  \n{' · '.join(facts)}"


def _state(view: FormView, field: FormField) -> str:
    """Where the value is from, and what it would be otherwise."""
    below = shown(field.below, field.kind)
    if field.own:
        return f"set here, else {below}" if below else "set here"
    if field.source is Source.INHERITED:
        return f"from {_short(view, field.written_at)}"
    if field.removed:
        return "unset here"
    return field.field.default_text if field.field.required or field.field.derived else f"default {below}" * bool(below)


def _short(view: FormView, written_at: str) -> str:
    """`base/x.toml:3` of an absolute place."""
    path, line, _ = written_at.rsplit(":", 2)
    parts = path.rsplit("/", 2)
    return f"{'/'.join(parts[-2:])}:{line}"


def _placeholder(field: FormField) -> str:
    if field.value == "":
        return "empty"
    return field.text or ("required" if field.field.required else "not given")


def _option(value: Any) -> str:
    return value if isinstance(value, str) else value_text(value, one_line=True)


def _is(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other
