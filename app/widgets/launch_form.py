"""The form of a launch: what it is called, where it trains, what it starts from, and what is changed for it."""

from collections.abc import Mapping
from typing import Any

import attrs
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.launching.machine import Load
from app.launching.plan import Plan
from app.launching.subject import Subject
from app.plain import plain
from app.reading.guard import refuse_links
from app.security.roots import Outside, Roots
from app.widgets.changes import changes_form
from app.widgets.run_list import all_runs
from app.widgets.url_value import flag, in_url, one_of, some_of, text, whole
from specdet.runs.checkpoints import read_checkpoints

PRECISIONS = ("", "auto", "fp32", "bf16", "fp16")
MOST_RUNS = 200  # that are offered to take weights from
MOST_PROCESSES, LARGEST_SEED, LONGEST_NAME = 64, 2**31 - 1, 200
WAITS = "launch-queue"  # key of the toggle


@attrs.frozen(kw_only=True)
class Form:
    """What was filled in.

    Attributes:
        rows: Each change as it is said; empty for one that is not filled in yet.
        slots: Where to say what is wrong with each of them.
    """

    plan: Plan
    rows: tuple[str, ...]
    slots: tuple[DeltaGenerator, ...]


def launch_form(subject: Subject, *, load: Load, places: Mapping[str, str]) -> Form:
    """Show the form, and give what is filled in.

    Args:
        subject: What is launched.
        load: This machine.
        places: The keys of its spec, with their values.
    """
    plan = Plan(subject=subject)
    if subject.verb != "resume":
        plan = attrs.evolve(plan, **_naming(places))
    plan = attrs.evolve(plan, **_machine(load, again=subject.verb != "launch"))
    if subject.verb != "resume":
        plan = attrs.evolve(plan, load_from=_weights())
    with st.container(border=True):
        st.markdown("**Changes for this launch**")
        st.caption("The file stays as it is. What is typed here is checked at once.")
        changes, slots = changes_form(places, of=f"{subject.verb} {subject.name}")
    rows = tuple(change.text for change in changes)
    return Form(plan=attrs.evolve(plan, changes=tuple(row for row in rows if row)), rows=rows, slots=tuple(slots))


def _naming(places: Mapping[str, str]) -> Mapping[str, Any]:
    own = {key: places.get(key, "").strip('"') for key in ("name", "seed", "train.precision")}
    with st.container(border=True):
        st.markdown("**What**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = in_url(st.text_input, "Name", name="name", key="launch-name", read=text, live=True, width="stretch",
                          placeholder=own["name"], max_chars=LONGEST_NAME,
                          help="What the run is called, instead of what the spec says.")  # fmt: skip
            seed = in_url(st.number_input, "Seed", name="seed", key="launch-seed", read=whole(0, LARGEST_SEED),
                          width=140, value=None, min_value=0, max_value=LARGEST_SEED, step=1,
                          placeholder=own["seed"])  # fmt: skip
            precision = in_url(st.selectbox, "Precision", PRECISIONS, name="precision", key="launch-precision",
                               width=150, read=one_of(PRECISIONS),
                               format_func=lambda each: each or f"spec: {own['train.precision']}")  # fmt: skip
    return {"name": (name or "").strip(), "seed": seed, "precision": precision or ""}


def _machine(load: Load, *, again: bool) -> Mapping[str, Any]:
    """Devices, processes, and whether to wait. `again`: what is not said is as the run had it."""
    titles = {str(device.number): device.title for device in load.devices if device.number is not None}
    with st.container(border=True):
        st.markdown("**Where**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if titles:
                titles["cpu"] = "the CPU"
                devices = in_url(st.multiselect, "Devices", list(titles), name="devices", key="launch-devices",
                                 read=some_of(list(titles)), width="stretch",
                                 placeholder="as before" if again else "any that are free",
                                 format_func=lambda each: titles[each])  # fmt: skip
            else:
                devices = []
                st.selectbox("Devices", ["the CPU"], disabled=True, key="launch-only-device", width="stretch")
            processes = in_url(st.number_input, "Processes", name="processes", key="launch-processes", width=170,
                               read=whole(1, MOST_PROCESSES), value=None, min_value=1, max_value=MOST_PROCESSES, step=1,
                               placeholder="as before" if again else "per GPU" if titles else "one")  # fmt: skip
            waits = in_url(st.toggle, "Queue", name="queue", key=WAITS, read=flag,
                           help="Where its devices are busy, the run waits until they are free.")  # fmt: skip
    return {"devices": ",".join(devices), "processes": processes, "waits": waits}


def _weights() -> str:
    """The checkpoint to start from; empty for what the spec says."""
    roots = Roots.here()
    with st.container(border=True):
        st.markdown("**Start from**")
        try:
            runs = [run for run in all_runs(roots.runs) if run.iter][:MOST_RUNS]
        except OSError as error:
            st.error(f"{plain(error.filename or roots.runs)} cannot be read: {plain(error.strerror or error)}")
            return ""
        names = {run.id: f"{run.name} ({run.id})" for run in runs}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = in_url(st.selectbox, "Weights of a run", ["", *names], name="weights", key="launch-weights",
                            read=text, width="stretch", accept_new_options=True,
                            format_func=lambda each: names.get(each, each) or "what the spec says",
                            help="Sets train.load_from. Or type the id of a run.")  # fmt: skip
            if not chosen:
                return ""
            try:
                refuse_links(roots.run(chosen))
                found = read_checkpoints(roots.run(chosen))
            except Outside as error:
                st.error(plain(error))
                return ""
            whole_ones = {each.path.name: each for each in reversed(found.found) if each.is_whole}
            if not whole_ones:
                st.error(f"{plain(chosen)} has no checkpoint.")
                return ""
            name = in_url(st.selectbox, "Checkpoint", list(whole_ones), name="checkpoint", key="launch-checkpoint",
                          read=one_of(list(whole_ones), default=next(iter(whole_ones))), width=200,
                          format_func=lambda each: _step(each, whole_ones[each].iter, best=found.best))  # fmt: skip
    return str(whole_ones[name].path) if name else ""


def _step(name: str, iter: int, *, best: str) -> str:
    return f"step {iter}{', the best' if name == best else ''}"
