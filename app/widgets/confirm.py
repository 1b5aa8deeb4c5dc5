"""Asking once more before something that is not lightly taken back."""

from collections.abc import Callable, Sequence

import streamlit as st


def ask_first(kind: str, runs: Sequence[str]) -> None:
    """Ask, from the next refresh on, before something of that kind is done to these runs."""
    st.session_state[_key(kind)] = tuple(runs)


def confirm(
    kind: str, question: Callable[[Sequence[str]], str], *, yes: str, act: Callable[[Sequence[str]], None]
) -> None:
    """Ask where that is to be asked, and do it once the answer is yes.

    Args:
        question: In Markdown, of the runs; their names are made plain.
        yes: What the button says.
        act: Does it to the runs.
    """
    runs = st.session_state.get(_key(kind), ())
    if not runs:
        return

    def answer(agreed: bool) -> None:
        if st.session_state.pop(_key(kind), None) and agreed:
            act(runs)

    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(question(runs), width="stretch")
        st.button(yes, key=f"yes-{kind}", type="primary", on_click=answer, args=(True,))
        st.button("Leave it", key=f"no-{kind}", on_click=answer, args=(False,))


def _key(kind: str) -> str:
    return f"ask-first-{kind}"
