"""What runs have stored of their predictions, compared once for all windows."""

from pathlib import Path

import streamlit as st

from app.looking.stored import ComparedStep, compared_step, mark_of

MOST_STEPS = 8  # that are kept in memory


def compared_once(run: Path, iter: int) -> ComparedStep:
    """The predictions of a step. Raises as `compared_step`."""
    return _compared(run, iter, mark_of(run, iter))


@st.cache_resource(max_entries=MOST_STEPS, show_spinner="Comparing what was found with what is there")
def _compared(run: Path, iter: int, mark: tuple[int, int, int]) -> ComparedStep:
    return compared_step(run, iter)
