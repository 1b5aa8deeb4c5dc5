"""Launch: what will be trained where, whether it can be, what it costs, and the button."""

import shlex
from collections.abc import Mapping

import streamlit as st

from app.launching.inspection import Inspection, inspect
from app.launching.machine import Load
from app.launching.places import places
from app.launching.plan import Plan, said_twice
from app.launching.processes import in_words
from app.launching.subject import Subject, subject_of
from app.plain import plain
from app.security.roots import Outside, Roots
from app.widgets.changes import show_problems
from app.widgets.check_result import check_result, deep_check_button
from app.widgets.cost_panel import cost_panel
from app.widgets.devices import devices_table, look
from app.widgets.launch_form import WAITS, Form, launch_form
from app.widgets.start_button import start_button
from specdet.runs.checkpoints import read_checkpoints
from specdet.runs.launch_command import LaunchOptions
from specdet.runs.tickets import in_the_way

EVERY = 2.0  # s
TITLES = {"launch": "Launch", "resume": "Resume", "rerun": "Launch again"}


def page() -> None:
    """Show it for what the URL names."""
    try:
        subject = subject_of({key: st.query_params.get(key, "") for key in ("spec", "resume", "rerun")},
                             roots=Roots.here())  # fmt: skip
    except Outside as error:
        st.title("Launch")
        st.error(plain(f"{str(error)[:1].upper()}{str(error)[1:]}."))
        st.page_link("pages/specs.py", label="Choose a spec", icon=":material/description:")
        st.page_link("pages/runs.py", label="Choose a run", icon=":material/list:")
        return
    _head(subject)
    load = look(Roots.here().runs)
    form, result = st.columns([3, 2], gap="medium")
    with form:
        filled = launch_form(subject, load=load, places=_places(subject))
    inspection = inspect(filled.plan)
    if inspection.experiment is not None:
        st.session_state["launch-places"] = (subject, places(inspection.experiment))
    _tell_rows(filled, inspection)
    with result:
        _result(filled, inspection, load=load)
    st.subheader("Devices")
    live_devices()


def _head(subject: Subject) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(f"{TITLES[subject.verb]} {plain(subject.name)}", width="stretch")
        if subject.verb == "launch":
            st.page_link("pages/edit.py", label="Edit it", icon=":material/edit:", query_params={"file": subject.name})
        else:
            st.page_link(
                "pages/run.py", label="Show it", icon=":material/monitoring:", query_params={"run": subject.name}
            )
    if subject.verb == "launch":
        st.caption("What is launched is the file as it was saved.")
    elif subject.verb == "resume":
        last = read_checkpoints(subject.path).last
        st.caption(f"It goes on in its own directory from step {last.iter}, its last checkpoint."
                   if last else "It has no checkpoint: it begins anew, in its own directory.")  # fmt: skip
    else:
        st.caption("What this run was trained with is trained again, in a new run.")


def _places(subject: Subject) -> Mapping[str, str]:
    """The keys of its spec: of the last form that was right."""
    of, known = st.session_state.get("launch-places", (None, {}))
    if of == subject:
        return known
    experiment = inspect(Plan(subject=subject)).experiment
    return places(experiment) if experiment is not None else {}


def _tell_rows(filled: Form, inspection: Inspection) -> None:
    twice = said_twice(filled.plan.changes, filled.plan)
    told = []
    for row in filled.rows:
        sentences = [
            ": ".join(part for part in (each.path, each.message) if part) for each in inspection.of_change(row)
        ]
        told.append([*sentences, *(["the form above says this already"] if row in twice else [])])
    show_problems(filled.slots, told)


def _result(filled: Form, inspection: Inspection, *, load: Load) -> None:
    plan = filled.plan
    options, why = _options(plan, load)
    hindrance, busy = "", []
    if not all(filled.rows):
        hindrance = "A change has no value yet."
    elif not inspection.is_fine:
        count = len(inspection.problems)
        hindrance = f"{count} problem{'s' * (count > 1)} to mend first."
    elif options is None:
        hindrance = plain(why)
    elif twice := said_twice(plan.changes, plan):
        hindrance = f"Said twice: {plain(', '.join(twice))}."
    elif not plan.waits and (busy := in_the_way(options.wanted, known=load.names)):
        hindrance = "The devices are busy."
    start_button(plan, hindrance=hindrance)
    if busy:
        st.warning(f"The devices are busy with {plain(', '.join(busy))}.", icon=":material/hourglass_empty:")
        st.button("Wait for them in the queue", key="wait", on_click=_wait, icon=":material/hourglass_empty:")
    check_result(inspection)
    if inspection.experiment is not None:
        deep_check_button(plan)
    if options is not None:
        st.markdown(plain(in_words(options, inspection.experiment, cores=load.cores)))
        st.markdown("**The same from a shell**")
        st.code(shlex.join(plan.argv), language=None, wrap_lines=True)
        with st.expander("Without a supervisor, by Accelerate alone"):
            if inspection.experiment is not None:
                st.code(shlex.join(plan.without_supervisor(options, known=load.names)), language=None, wrap_lines=True)
    cost_panel(inspection.text, processes=options.processes if options is not None else 1)


def _options(plan: Plan, load: Load) -> tuple[LaunchOptions | None, str]:
    try:
        return plan.options(known=load.names), ""
    except ValueError as error:
        return None, str(error)


def _wait() -> None:
    st.session_state[WAITS] = True


@st.fragment(run_every=EVERY)
def live_devices() -> None:
    """How busy this machine is, now."""
    devices_table(look(Roots.here().runs))


page()
