"""prediction_step: one slider over the steps at which predictions were stored; new ones come by themselves."""

from pathlib import Path

import streamlit as st

from app.looking.stored import steps_of
from app.security.roots import Outside
from app.widgets.url_value import in_url, whole

EVERY = 2.0  # s between two looks for new steps
KEY, NEWEST = "predictions-step", "predictions-newest"


def prediction_step(run: Path, iters: tuple[int, ...], *, is_live: bool) -> int:
    """The step to look at: the one that the URL says, else always the newest."""
    if is_live:
        st.fragment(_watch, run_every=EVERY)(run, iters)
    if st.session_state.get(KEY) == st.session_state.get(NEWEST):  # at the right end, which has moved
        st.session_state[KEY] = iters[-1]
    st.session_state[NEWEST] = iters[-1]
    if len(iters) == 1:
        st.text(f"Step {iters[0]}, the only one so far")
        return iters[0]

    def read(said: object) -> int:
        wanted = whole(0, iters[-1], default=iters[-1])(said)  # pyright: ignore[reportArgumentType]
        return min(iters, key=lambda each: abs(each - wanted))

    return in_url(st.select_slider, "Step", iters, name="step", key=KEY, read=read,
                  help="The optimizer steps that were evaluated. At its right end it follows the newest.")  # fmt: skip


def _watch(run: Path, iters: tuple[int, ...]) -> None:
    """Show the page anew once there is another step."""
    try:
        if steps_of(run).iters != iters:
            st.rerun()
    except (Outside, OSError):  # the page itself says so
        st.rerun()
