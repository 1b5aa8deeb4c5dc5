"""Run: watch one run and steer it."""

import streamlit as st

from app.reading.guard import refuse_links
from app.security.roots import Outside, Roots
from app.widgets.checkpoint_table import checkpoint_table
from app.widgets.evaluation_tables import evaluation_tables
from app.widgets.log_view import log_view
from app.widgets.metric_charts import metric_charts
from app.widgets.refusal import refusal
from app.widgets.run_choice import run_choice
from app.widgets.run_controls import run_controls
from app.widgets.run_origin import run_origin, run_spec
from app.widgets.run_state import run_state
from app.widgets.run_title import run_title
from app.widgets.timeline import timeline
from app.widgets.url_value import in_url, one_of
from app.widgets.watching import watched
from specdet.runs.status import read_status

EVERY = 1.0  # s
OF_EVENTS = {"charts": metric_charts, "evaluations": evaluation_tables, "events": timeline}
OF_FILES = {"log": log_view, "checkpoints": checkpoint_table, "spec": run_spec, "origin": run_origin}
TABS = {
    "charts": ":material/monitoring: Charts",
    "log": ":material/notes: Log",
    "events": ":material/timeline: Events",
    "evaluations": ":material/query_stats: Evaluations",
    "checkpoints": ":material/save: Checkpoints",
    "spec": ":material/description: Spec",
    "origin": ":material/info: Origin",
}


def page() -> None:
    """Show the run that the URL names."""
    run_id = st.query_params.get("run", "")
    if not run_id:
        _choose()
        return
    try:
        directory = Roots.here().run(run_id)
        refuse_links(directory)
        status = read_status(directory)
    except Outside as error:
        refusal(error)
        return
    run_title(directory, status)
    is_live = not status.settled
    st.fragment(_live, run_every=EVERY if is_live else None)(run_id, is_live)


def _live(run_id: str, is_live: bool) -> None:
    """All that changes by itself. The places of its parts stay the same, so that charts stay as they are zoomed."""
    try:
        directory = Roots.here().run(run_id)
        refuse_links(directory)
        status = read_status(directory)
        if status.settled == is_live:
            st.rerun()
        with st.container():
            run_state(directory, status)
        with st.container():
            run_controls(directory, status)
        with st.container(horizontal=True, vertical_alignment="center"):
            tab = in_url(st.segmented_control, "Part", list(TABS), name="tab", key="run-tab", required=True,
                         read=one_of(list(TABS), default="charts"), format_func=TABS.__getitem__,
                         label_visibility="collapsed")  # fmt: skip
            st.page_link("pages/predictions.py", label="Predictions", icon=":material/frame_inspect:",
                         query_params={"run": run_id})  # fmt: skip
        with st.container():
            if tab in OF_EVENTS:
                OF_EVENTS[tab](watched(directory))
            else:
                OF_FILES[tab](directory)
    except (Outside, OSError) as error:
        refusal(error)


def _choose() -> None:
    """Without a run in the URL."""
    st.title("Run", anchor=False)
    try:
        if run_choice(Roots.here().runs, current="") is not None:
            st.rerun()
    except OSError as error:
        refusal(error)
        return
    st.page_link("pages/runs.py", label="All runs", icon=":material/list:")


page()
