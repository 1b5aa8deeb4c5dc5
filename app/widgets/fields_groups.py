"""Groups of a form: tables, components with their type, and cards under names of the author's choice."""

from collections.abc import Iterable
from typing import Any

import streamlit as st

from app.editing import edits
from app.editing.form import FormField, FormGroup, Stray
from app.plain import plain
from app.widgets.fields import FormView, field_view, problem_lines
from specdet.registry import Registry
from specdet.spec.manual.description import Kind, describe_spec
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.structure import ORDER

ENABLED = "enabled"


def children_view(view: FormView, children: Iterable[FormField | FormGroup]) -> None:
    """Fields first, the advanced ones folded, then what lies deeper."""
    children = list(children)
    fields = [child for child in children if isinstance(child, FormField)]
    plain_ones = [field for field in fields if not field.field.meta.advanced or field.own or field.problems]
    advanced = [field for field in fields if field not in plain_ones]
    for field in plain_ones:
        field_view(view, field)
    if advanced:
        path = (*advanced[0].path[:-1], "advanced")
        names = ", ".join(field.name for field in advanced)
        with st.expander(f"Advanced: {plain(names)}", key=view.key_of(path, "fold"), on_change="rerun") as fold:
            if fold.open:
                for field in advanced:
                    field_view(view, field)
    for child in children:
        if isinstance(child, FormGroup):
            folded_group(view, child)


def folded_group(view: FormView, group: FormGroup) -> None:
    """A group that is built only while it is open."""
    with st.expander(_title(group), key=view.key_of(group.path, "open"), on_change="rerun") as fold:
        if fold.open:
            group_view(view, group)


def open_up_to(view_key: str, path: SpecPath, form: FormGroup) -> None:
    """Open every fold around a path; before the form is shown."""
    for group in form.groups():
        if len(group.path) > 1 and path[: len(group.path)] == group.path:
            st.session_state[f"{view_key}/open/{dotted(group.path)}"] = True


def group_view(view: FormView, group: FormGroup) -> None:
    """What is in a group."""
    if group.help:
        st.caption(plain(group.help) + (f"  \n{plain(_origin(group))}" if _origin(group) else ""))
    problem_lines(view, group.problems)
    if group.kind is Kind.COMPONENT:
        _type_choice(view, group)
    elif not group.present:
        _offer(view, group)
    elif group.kind is Kind.TABLE and group.optional:
        _remove_button(view, group)
    if group.kind in (Kind.KEYED, Kind.ARRAY):
        _cards(view, group)
    else:
        children_view(view, group.children)
    for stray in group.strays:
        stray_view(view, stray)


def stray_view(view: FormView, stray: Stray) -> None:
    """A key that nothing describes."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.code(f"{stray.path[-1]} = {stray.text}", language=None)
        if stray.own:
            st.button("Take it out", key=view.key_of(stray.path, "stray"), disabled=not view.enabled,
                      on_click=view.apply, args=(lambda file: edits.reset(file, stray.path), stray.path))  # fmt: skip


def _title(group: FormGroup) -> str:
    kind = f" · {plain(group.tag)}" if isinstance(group.tag, str) else ""
    missing = " · none" if not group.present else ""
    several = f" · {len(group.children)}" if group.kind in (Kind.KEYED, Kind.ARRAY) else ""
    enabled = group.child(ENABLED)
    off = " · off" if isinstance(enabled, FormField) and enabled.value is False else ""
    count = f" :red[:material/error: {group.count}]" if group.count else ""
    own = " :primary[●]" if group.own else ""
    return f"**{plain(group.name)}**{kind}{missing}{several}{off}{own}{count}"


def _origin(group: FormGroup) -> str:
    if not group.written_at:
        return ""
    path, line, _ = group.written_at.rsplit(":", 2)
    return f"from {'/'.join(path.rsplit('/', 2)[-2:])}:{line}" + (", changed here" if group.own else "")


# -- components


def _type_choice(view: FormView, group: FormGroup) -> None:
    key = view.key_of(group.path, "type")
    tag = group.tag if isinstance(group.tag, str) else None
    options = [*group.tags, *([tag] if tag and tag not in group.tags else [])]
    if st.session_state.get(key, "") != tag:
        st.session_state[key] = tag

    def chosen() -> None:
        choice = st.session_state[key]
        if choice is not None:
            view.apply(lambda file: edits.choose(file, group, choice, components=view.checked.components), group.path)
        elif group.optional:
            view.apply(lambda file: edits.unset(file, group.path, inherited=group.inherited), group.path)

    st.selectbox("type", options, index=None, key=key, placeholder="none", on_change=chosen,
                 required=not group.optional, disabled=not view.enabled, help=_tags_help(view, group))  # fmt: skip
    if group.removed:
        _restore_button(view, group.path, group.removed[-1])


def _tags_help(view: FormView, group: FormGroup) -> str:
    assert group.field is not None
    registry = Registry(group.field.meta.family, components=view.checked.components)
    rows = (f"{tag}: {describe_spec(registry.get(tag)).summary}" for tag in registry.tags)
    return "  \n".join(plain(row) for row in rows)


def _offer(view: FormView, group: FormGroup) -> None:
    st.button("Add", key=view.key_of(group.path, "add"), icon=":material/add:", disabled=not view.enabled,
              on_click=view.apply, args=(lambda file: edits.start(file, group), group.path))  # fmt: skip


def _remove_button(view: FormView, group: FormGroup) -> None:
    tip = "take it out, and unset what a base gives" if group.inherited else "take it out of the file"
    st.button("Remove", key=view.key_of(group.path, "remove"), icon=":material/delete:", type="tertiary", help=tip,
              disabled=not view.enabled, on_click=view.apply,
              args=(lambda file: edits.unset(file, group.path, inherited=group.inherited), group.path))  # fmt: skip


def _restore_button(view: FormView, path: SpecPath, name: str) -> None:
    st.button(f"Bring back {plain(name)}, which is unset here", key=view.key_of(path, "restore"), type="tertiary",
              icon=":material/settings_backup_restore:", disabled=not view.enabled, on_click=view.apply,
              args=(lambda file: edits.restore(file, path), path))  # fmt: skip


# -- cards


def _cards(view: FormView, group: FormGroup) -> None:
    for child in group.children:
        with st.expander(_card_title(child), key=view.key_of(child.path, "open"), on_change="rerun") as fold:
            if fold.open:
                _card_head(view, group, child)
                if isinstance(child, FormGroup):
                    group_view(view, child)
                else:
                    field_view(view, child)
    if not group.children:
        st.caption("There is none.")
    for name in group.removed if group.kind is Kind.KEYED else ():
        _restore_button(view, (*group.path, name), name)
    _adder(view, group)


def _card_title(child: FormField | FormGroup) -> str:
    if isinstance(child, FormGroup):
        return _title(child)
    count = f" :red[:material/error: {child.count}]" if child.count else ""
    return f"**{plain(child.name)}** {plain(child.text)}{' :primary[●]' if child.own else ''}{count}"


def _card_head(view: FormView, group: FormGroup, child: FormField | FormGroup) -> None:
    """What is done to a card: earlier, later, another name, away."""
    at = group.names.index(child.name)
    keyed = group.kind is Kind.KEYED
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        natural = _natural(view, group)
        if keyed and group.tags and len(group.children) > 1:
            for icon, by, tip in (
                (":material/arrow_upward:", -1, "earlier"),
                (":material/arrow_downward:", 1, "later"),
            ):
                end = at + by not in range(len(group.children))
                st.button("", key=view.key_of(child.path, tip), icon=icon, help=tip, type="tertiary",
                          disabled=end or not view.enabled, on_click=view.apply,
                          args=(lambda file, by=by: edits.move(file, group, child.name, by, natural=natural),
                                group.path))  # fmt: skip
        inherited = child.inherited if isinstance(child, FormGroup) else child.source == "inherited"
        if keyed and child.own and not inherited:
            _renamer(view, group, child)
        tip = "take it out: unset what is inherited" if inherited else "take it out"
        st.button("", key=view.key_of(child.path, "away"), icon=":material/delete:", type="tertiary", help=tip,
                  disabled=not view.enabled, on_click=view.apply,
                  args=(lambda file: edits.take_out(file, group, child), child.path))  # fmt: skip
        if isinstance(child, FormGroup) and child.own and inherited:
            st.button("", key=view.key_of(child.path, "back"), icon=":material/undo:", type="tertiary",
                      help="take out what this file says of it", disabled=not view.enabled, on_click=view.apply,
                      args=(lambda file: edits.reset(file, child.path), child.path))  # fmt: skip


def _natural(view: FormView, group: FormGroup) -> tuple[str, ...]:
    """The names in the order that counts where no `order` is said: those below first."""
    table = view.checked.composed.tree
    for key in group.path:
        table = table.get(key, {})
    return tuple(name for name in table if name != ORDER)


def _renamer(view: FormView, group: FormGroup, child: FormField | FormGroup) -> None:
    key = view.key_of(child.path, "name")
    with st.popover("Rename", type="tertiary", key=view.key_of(child.path, "renaming"), on_change="rerun") as popover:
        if popover.open:
            new = st.text_input("New name", key=key, value=child.name, live=True).strip()
            problem = edits.name_problem(group, new) if new != child.name else ""
            if problem:
                st.caption(f":red[{plain(problem)}]")
            st.button("Rename", key=f"{key}/do", disabled=bool(problem) or new == child.name, on_click=view.apply,
                      args=(lambda file: edits.rename(file, group, child.name, new), group.path))  # fmt: skip


def _adder(view: FormView, group: FormGroup) -> None:
    key = view.key_of(group.path, "adding")
    with st.popover("Add", icon=":material/add:", key=key, on_change="rerun", disabled=not view.enabled) as popover:
        if not popover.open:
            return
        tag = ""
        if group.tags:
            tag = st.selectbox("type", group.tags, key=f"{key}/type", help=_tags_help(view, group)) or group.tags[0]
        name = ""
        if group.kind is Kind.KEYED:
            free = edits.free_name(group, tag)
            name = st.text_input("name", key=f"{key}/name", placeholder=free, live=True).strip() or free
            if problem := edits.name_problem(group, name):
                st.caption(f":red[{plain(problem)}]")
        value = {"type": tag} if tag else _empty(group)

        def add() -> None:
            view.apply(lambda file: edits.add(file, group, name, value), group.path)
            st.session_state[key] = False
            st.session_state[view.key_of((*group.path, name or str(len(group.children))), "open")] = True

        st.button("Add", key=f"{key}/do", type="primary", on_click=add,
                  disabled=bool(name and edits.name_problem(group, name)))  # fmt: skip


def _empty(group: FormGroup) -> dict[str, Any] | list[Any]:
    """What a new entry without a type starts from; the check says what it lacks."""
    tables = (Kind.TABLE, Kind.KEYED)
    return {} if group.item is not None and group.item.kind in tables else []
