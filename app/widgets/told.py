"""What came of something that was done to runs: said in passing where it was done, and to stay where it was refused."""

import streamlit as st

from app.launching.bulk import Outcome
from app.plain import plain

DONE, REFUSED = "told-of-runs", "refused-by-runs"


def tell(outcome: Outcome, *, did: str) -> None:
    """Let `show_told` say what came of it. `did`: "archived"."""
    st.session_state[DONE] = outcome.sentence(did)
    st.session_state[REFUSED] = outcome.refusals


def show_told() -> None:
    """Say what was done last, once, and what was refused, until it is put aside."""
    if done := st.session_state.pop(DONE, ""):
        st.toast(plain(done), icon=":material/check:")
    refused = st.session_state.get(REFUSED, ())
    if not refused:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container():
            for sentence in refused:
                st.error(plain(sentence))
        st.button("I see", key="refused-seen", on_click=lambda: st.session_state.pop(REFUSED, None))
