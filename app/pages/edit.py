"""Edit: a spec as a form and as text, both of which are the same."""

import secrets
from datetime import datetime
from time import time

import streamlit as st

from app.editing.checked import Checked, check_text
from app.editing.differences import Difference, from_bases, from_defaults, from_saved, text_diff
from app.editing.drafts import Draft, forget
from app.editing.form import GENERAL, FormGroup, section_of, sections
from app.editing.form_of import form_of
from app.editing.naming import sentence
from app.editing.saving import on_disk
from app.editing.session import Editing
from app.editing.target import target_of
from app.plain import plain
from app.security.roots import Outside, Roots
from app.widgets.cost_panel import cost_panel
from app.widgets.fields import FormView, problem_lines
from app.widgets.fields_groups import children_view, group_view, open_up_to, stray_view
from app.widgets.spec_bar import conflict_view, spec_bar, ways_on
from app.widgets.toml_editor import Mark, Typed, toml_editor
from app.widgets.url_value import in_url, one_of
from specdet.experiment import resolved
from specdet.spec import Problem, SpecError
from specdet.spec.paths import SpecPath, undotted

FORM, CHANGES, COST, WHOLE = "form", "changes", "cost", "whole"
VIEWS = {FORM: "Form and text", CHANGES: "Changes", COST: "What it costs", WHOLE: "The whole spec"}
FILE, DRAFT = "file", "draft"
VIEW, SECTION = "edit/view", "edit/section"  # keys of widgets
MODEL = "model"


def page() -> None:
    """The page of the file that the URL names."""
    name = st.query_params.get(FILE, "")
    if not name:
        st.title("Edit")
        st.markdown("Choose a spec to edit.")
        st.page_link("pages/specs.py", label="Specs", icon=":material/description:")
        return
    try:
        editing = opened(name)
    except (Outside, SpecError, OSError) as error:
        st.title("Edit")
        st.error(plain(sentence(error)), icon=":material/block:")
        st.page_link("pages/specs.py", label="Specs", icon=":material/description:")
        return
    followed = editing.follow()
    part = editing.target.is_part
    checked = check_text(editing.buffer.file.path, editing.buffer.text, part=part)
    spec_bar(editing, checked, part=part)
    notices(editing, followed=followed)
    if editing.buffer.changed:
        st.query_params[DRAFT] = editing.draft
    elif DRAFT in st.query_params:
        del st.query_params[DRAFT]
    with st.container(horizontal=True, vertical_alignment="center"):
        view = in_url(st.segmented_control, "View", list(VIEWS), name="view", key=VIEW,
                      read=one_of([*VIEWS], default=FORM), required=True, label_visibility="collapsed",
                      format_func=VIEWS.__getitem__)  # fmt: skip
        st.space("stretch")
        ways_on(editing)
    if view == CHANGES:
        changes_view(editing, checked, part=part)
    elif view == COST:
        cost_view(checked)
    elif view == WHOLE:
        whole_view(checked)
    else:
        both_views(editing, checked)


def opened(name: str) -> Editing:
    """This tab's work on a file, begun where it has not been. Raises Outside, SpecError, OSError."""
    target = target_of(name, roots=Roots.here())
    owner = st.session_state.setdefault("edit_owner", secrets.token_hex(8))
    key = f"editing/{target.name}"
    if key not in st.session_state:
        draft = st.query_params.get(DRAFT, "")
        st.session_state[key] = Editing.begin(target, draft=draft, owner=owner, at=time())
    return st.session_state[key]


# -- what there is to know


def notices(editing: Editing, *, followed: bool) -> None:
    """What the person must know before going on."""
    target = editing.target
    if target.why_fixed:
        st.info(f"{plain(target.why_fixed)} It is not changed where it lies: save it under another name.",
                icon=":material/lock:")  # fmt: skip
    if followed:
        st.toast("The file was changed on disk, and was loaded anew.", icon=":material/sync:")
    if editing.refusal:
        st.error(plain(editing.refusal), icon=":material/error:")
    if editing.restored:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info("Changes that were not saved are back.", icon=":material/history:")
            st.button("Discard them", key="discard", on_click=discard, args=(editing,))
    disk_notice(editing)
    for draft in editing.others():
        when = datetime.fromtimestamp(draft.at).strftime("%d %b, %H:%M")
        with st.expander(f"Another tab, or one that was closed, has changes of {when} that were not saved",
                         icon=":material/history:"):  # fmt: skip
            st.code(text_diff(draft.base, draft.text, names=("the file", "not saved")) or "no difference",
                    language="diff", height=240)  # fmt: skip
            with st.container(horizontal=True):
                st.button("Go on with these", key=f"take/{draft.id}", on_click=lambda each=draft: take(editing, each))
                st.button("Discard them", key=f"drop/{draft.id}",
                          on_click=lambda each=draft: drop(editing, each.id))  # fmt: skip


def disk_notice(editing: Editing) -> None:
    """That the file is no longer what these changes started from, with both sides."""
    if not editing.buffer.changed:
        return
    try:
        theirs = on_disk(editing.buffer.file.path)
    except SpecError as error:
        st.error(plain(sentence(error)), icon=":material/error:")
        return
    if theirs is not None and theirs.digest == editing.buffer.file.digest:
        if editing.not_saved:
            st.error(plain(f"Not saved: {editing.not_saved}"), icon=":material/error:")
        return
    refused = "Not saved. " if editing.not_saved else ""
    happened = "The file was changed on disk since you opened it." if theirs else "The file was deleted meanwhile."
    st.warning(f"{refused}{happened} Nothing of yours is lost.", icon=":material/warning:")
    if theirs is not None:
        diff = text_diff(theirs.text, editing.buffer.text, names=("theirs, on disk", "mine, not saved"))
        st.code(diff or "Both say the same.", language="diff", height=260 if diff.count("\n") > 12 else "content")
    conflict_view(editing)


def discard(editing: Editing) -> None:
    """Go back to the file; undo brings the changes back while the page is open."""
    editing.load(at=time())


def take(editing: Editing, draft: Draft) -> None:
    """Go on with another tab's draft."""
    editing.take(draft, at=time())


def drop(editing: Editing, id: str) -> None:
    """Discard another tab's draft."""
    forget(editing.buffer.file.path, id)


# -- form and text


def both_views(editing: Editing, checked: Checked) -> None:
    """The form, and beside it the text with what is wrong."""
    shown = checked
    if checked.is_toml:
        editing.readable = checked.text
    else:  # half typed: the form stays as it was, so that nothing jumps
        shown = check_text(checked.path, editing.readable, part=editing.target.is_part)
    form = form_of(shown)
    left, right = st.columns([10, 9], gap="medium")
    with right:
        text_view(editing, checked, form)
    with left:
        form_view(editing, shown, form, enabled=checked.is_toml)


def form_view(editing: Editing, checked: Checked, form: FormGroup, *, enabled: bool) -> None:
    """One section of the form."""
    parts = sections(form)
    counts = {name: sum(child.count for child in children) for name, children in parts.items()}
    counts[GENERAL] += len(form.problems)

    def label(name: str) -> str:
        return f"{name} :red[:material/error: {counts[name]}]" if counts[name] else name

    first = MODEL if MODEL in parts else GENERAL
    section = in_url(st.segmented_control, "Section", list(parts), name="section", key=SECTION,
                     read=one_of([*parts], default=first), required=True, wrap=True, label_visibility="collapsed",
                     format_func=label)  # fmt: skip
    view = FormView(editing=editing, checked=checked, key=editing.target.name, enabled=enabled)
    if not enabled:
        st.warning("The text is no TOML at the moment. Mend it, and the form goes on.", icon=":material/warning:")
    if section == GENERAL:
        problem_lines(view, form.problems)
        for stray in form.strays:
            stray_view(view, stray)
        children_view(view, parts[GENERAL])
    else:
        for group in parts[section]:
            if isinstance(group, FormGroup):
                group_view(view, group)


def text_view(editing: Editing, checked: Checked, form: FormGroup) -> None:
    """The text, and all that is wrong with it."""

    def typed(sent: Typed) -> None:
        if sent.turn > editing.turn:
            editing.turn = sent.turn
            editing.go_on(editing.buffer.typed(sent.text, at=time()), at=time())
            if sent.kind == "undo":
                editing.go_on(editing.buffer.undone(), at=time())
            elif sent.kind == "redo":
                editing.go_on(editing.buffer.redone(), at=time())

    toml_editor(editing.buffer.text, key=f"text/{editing.target.name}", turn=editing.turn, marks=marks(checked),
                go_to=editing.go_to, on_typed=typed)  # fmt: skip
    for index, problem in enumerate(checked.problems):
        problem_link(editing, checked, form, problem, index)


def marks(checked: Checked) -> list[Mark]:
    """What to tell at the lines of the text."""
    found = []
    for problem in checked.problems:
        place = problem.place if checked.is_here(problem) else None
        if place is not None:
            text = f"{problem.path}: {problem.message}" if problem.path else problem.message
            found.append(Mark(line=place.line, column=place.column, end=place.end, text=text))
    return found


def problem_link(editing: Editing, checked: Checked, form: FormGroup, problem: Problem, index: int) -> None:
    """A problem in a line; to click on it is to be led to it, in the form and in the text."""
    here = checked.is_here(problem)
    place = f"line {problem.place.line}" if here and problem.place else "" if here else problem.label
    text = ": ".join(part for part in (place, problem.path, problem.message) if part)

    def lead() -> None:
        path = path_of(problem)
        st.session_state[SECTION] = section_of(path, form)
        open_up_to(editing.target.name, path, form)
        if here and problem.place:
            editing.show_line(problem.place.line, caret=True)

    st.button(plain(text), key=f"problem/{index}", type="tertiary", icon=":material/error:", wrap=True, on_click=lead)


def path_of(problem: Problem) -> SpecPath:
    """The path that a problem is about."""
    try:
        return undotted(problem.path) if problem.path else ()
    except ValueError:
        return ()


# -- the other views


def changes_view(editing: Editing, checked: Checked, *, part: bool) -> None:
    """What differs from the saved file, from what is extended, and from the defaults."""
    try:
        saved = on_disk(editing.buffer.file.path)
    except SpecError as error:
        st.error(plain(sentence(error)))
        return
    before = saved.text if saved else ""
    st.subheader("Against the saved file", divider="gray")
    diff = text_diff(before, editing.buffer.text, names=("saved", "now"))
    if diff:
        text, values = st.columns(2)
        with text:
            st.code(diff, language="diff")
        with values:
            was = check_text(editing.buffer.file.path, before, part=part)
            difference_table(from_saved(was, checked), ("saved", "now"), "No value differs: only the text does.")
    else:
        st.caption("There is no difference.")
    if checked.own.get("extends"):
        st.subheader("Against what it extends", divider="gray")
        difference_table(from_bases(checked), ("below", "here"), "It changes nothing.")
    st.subheader("Against the defaults", divider="gray")
    difference_table(from_defaults(form_of(checked)), ("default", "here"), "Everything is at its default.")


def difference_table(rows: list[Difference], names: tuple[str, str], nothing: str) -> None:
    """Differences as a table."""
    if not rows:
        st.caption(nothing)
        return
    table = {"key": [row.key for row in rows], names[0]: [row.before for row in rows],
             names[1]: [row.after for row in rows]}  # fmt: skip
    st.dataframe(table, hide_index=True)


def cost_view(checked: Checked) -> None:
    """What a launch would take."""
    if checked.experiment is None:
        st.caption("What it costs is known once nothing is wrong with it, and it is whole.")
        return
    cost_panel(resolved(checked.experiment))


def whole_view(checked: Checked) -> None:
    """The resolved spec: what a run would keep."""
    if checked.experiment is None:
        st.caption("The whole spec is there once nothing is wrong with it, and it is no part of others.")
        return
    st.caption("With all that it extends and every default: what a run keeps.")
    st.code(resolved(checked.experiment), language="toml", line_numbers=True)


page()
