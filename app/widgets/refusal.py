"""Why a page about runs shows nothing, and where to go instead."""

import streamlit as st

from app.plain import plain


def refusal(error: Exception) -> None:
    """Say it in a sentence."""
    said = str(error)
    st.error(plain(f"{said[:1].upper()}{said[1:]}"))
    st.page_link("pages/runs.py", label="All runs", icon=":material/list:")
