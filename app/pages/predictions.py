"""Predictions: what the detector of a run found on some images, at each evaluation."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.looking.absence import why_none
from app.looking.stored import ComparedStep, steps_of
from app.plain import plain
from app.security.roots import Outside, Roots
from app.widgets.compared_steps import compared_once
from app.widgets.prediction_grid import prediction_grid
from app.widgets.prediction_step import prediction_step
from app.widgets.run_choice import run_choice
from specdet.runs.status import RunStatus, read_status

EVERY = 3.0  # s between two looks for the first predictions
OF_RUN = ("step", "page", "class")  # what in the URL is of one run


def page() -> None:
    """Show the run that the URL names."""
    st.title("Predictions", anchor=False)
    root, said = Roots.here().runs, st.query_params.get("run", "")
    try:
        left, right = st.columns(2, gap="medium")
        with left:
            status = run_choice(root, current=said, forgets=OF_RUN)
        if status is None:
            _without_run(root, said)
            return
        _show(Roots.here().run(status.id), right)
    except (Outside, OSError, ValueError) as error:
        message = str(error)
        st.error(plain(f"{message[:1].upper()}{message[1:]}"))


def _show(run: Path, beside: DeltaGenerator) -> None:
    """Args: where there is place for the steps. Raises Outside, OSError, ValueError."""
    status, steps = read_status(run), steps_of(run)
    for sentence in steps.skipped:
        st.warning(plain(sentence))
    if not steps.iters:
        _without_steps(run, status)
        return
    with beside:
        iter = prediction_step(run, steps.iters, is_live=not status.settled)
    step = compared_once(run, iter)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.text(about(step), width="content")
        st.page_link("pages/run.py", label="Watch the run", icon=":material/monitoring:",
                     query_params={"run": run.name})  # fmt: skip
    for sentence in step.said.skipped:
        st.warning(plain(sentence))
    prediction_grid(run, step)


def about(step: ComparedStep) -> str:
    """A step in a sentence."""
    kept = f"at most {step.said.most} detections each that score at least {step.said.min_score:g}"
    stored = len(step.images)
    which = f"all {stored}" if stored == step.said.total else f"{stored} of {step.said.total}"
    kind = "" if step.said.gives_classes else ". Its boxes have no class"
    return f"Step {step.said.iter}, epoch {step.said.epoch}: {which} images of data.val, {kept}{kind}."


def _without_run(root: Path, said: str) -> None:
    if said:
        Roots.here().run(said)  # says why not
    if any(root.glob("*/")):
        st.info("Choose a run above, to see what its detector finds.")
    else:
        st.info("There are no runs yet. Start one, and what it finds is shown here after its first evaluation.")
        st.page_link("pages/specs.py", label="Choose a spec to train", icon=":material/description:")


def _without_steps(run: Path, status: RunStatus) -> None:
    st.info(plain(why_none(run, status)))
    if not status.settled:
        st.fragment(_wait, run_every=EVERY)(run)


def _wait(run: Path) -> None:
    """Show the page anew once something is there."""
    if steps_of(run).iters or read_status(run).settled:
        st.rerun()


page()
