"""The button that starts a run, once for each time that it is meant."""

from pathlib import Path

import streamlit as st

from app.launching.plan import Plan
from app.launching.starts import Starts, Unclear, is_request, new_request
from app.plain import plain
from app.widgets.run_list import look_again
from specdet.launching import BusyError
from specdet.spec import SpecError

PARAMETER = "request"
SAME_WITHIN = 30.0  # s in which the same from another window is rather a mistake
LABELS = {"launch": "Launch", "resume": "Resume", "rerun": "Launch again"}


def request_of_page() -> str:
    """The id of the start that this page is for: in its URL, so that it is the same when the page is loaded again."""
    if not is_request(st.query_params.get(PARAMETER)):
        st.query_params[PARAMETER] = new_request()
    return st.query_params[PARAMETER]


def start_button(plan: Plan, *, hindrance: str) -> None:
    """Show it. `hindrance`: why it cannot be pressed, as a sentence in Markdown; empty where it can."""
    starts, request = Starts.here(), request_of_page()
    if run := starts.run_of(request):
        _was_started(run, plan)
        return
    label = "Queue" if plan.waits else LABELS[plan.subject.verb]
    pressed = st.button(label, key="start", type="primary", icon=":material/rocket_launch:", width="stretch",
                        disabled=bool(hindrance), help=hindrance or None)  # fmt: skip
    if hindrance:
        st.caption(hindrance)
    if pressed and (same := starts.like(request, plan.argv, within=SAME_WITHIN)):
        st.session_state["start-same"] = (request, str(same))
    asked, same = st.session_state.get("start-same", ("", ""))
    if asked == request and not hindrance:
        st.warning(f"The same was started just now from another window: {plain(Path(same).name)}.")
        st.page_link("pages/run.py", label="Show that run", query_params={"run": Path(same).name})
        if not st.button("Start it once more", key="start-once-more"):
            return
        st.session_state.pop("start-same", None)
    elif not pressed:
        return
    if run := _start(starts, request, plan):
        look_again()
        st.switch_page("pages/run.py", query_params={"run": run.name})


def _start(starts: Starts, request: str, plan: Plan) -> Path | None:
    with st.spinner("Starting: a supervisor takes the run over…"):
        try:
            return starts.once(request, plan.argv, plan.begin)
        except SpecError as error:
            sentences = [str(problem) for problem in error.problems]
        except (BusyError, Unclear, ValueError) as error:
            sentences = [str(error)]
        except OSError as error:
            sentences = [f"{error.filename or 'The folder of runs'}: {error.strerror or error}"]
    for sentence in sentences:
        st.error(plain(sentence))
    return None


def _was_started(run: Path, plan: Plan) -> None:
    st.success(f"This was started: {plain(run.name)}.", icon=":material/check_circle:")
    with st.container(horizontal=True):
        st.page_link("pages/run.py", label="Show the run", icon=":material/monitoring:", query_params={"run": run.name})
        if plan.subject.verb != "resume":
            st.button("Launch another", icon=":material/restart_alt:", on_click=_anew)


def _anew() -> None:
    st.query_params[PARAMETER] = new_request()
