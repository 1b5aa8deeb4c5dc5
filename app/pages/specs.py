"""Specs: the spec files of this folder, those that come with specdet, and new ones."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from app.editing.find import Found, find_specs, shipped_names
from app.editing.summary import Summaries, Summary
from app.editing.target import Target, target_of
from app.plain import plain
from app.security.roots import Outside, Roots
from app.widgets.new_spec import new_spec_dialog
from app.widgets.spec_list import spec_list
from specdet.spec.compose import shipped_specs


def page() -> None:
    """The lists, narrowed to what is searched for."""
    roots = Roots.here()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Specs", width="content")
        st.space("stretch")
        if st.button("New spec", icon=":material/add:", type="primary", key="new"):
            new_spec_dialog()
    search = st.text_input("Search", key="q", bind="query-params", live=True, type="search",
                           label_visibility="collapsed", placeholder="Name, detector, data or problem")  # fmt: skip
    with st.spinner("Looking for specs and checking them", show_time=False):
        found = find_specs(roots.workspace, skip=(roots.runs, *_shipped_here(roots)))
        mine = _rows(found.names, roots, search)
        shipped = _rows(shipped_names(bases=True), roots, search)
    st.subheader("In this folder", divider="gray")
    _mine(mine, found, roots, search)
    st.subheader("Shipped with specdet", divider="gray")
    if not shipped:
        st.caption("None of them has that.")
    spec_list(shipped, key="shipped_page")


def _mine(rows: list[tuple[Target, Summary]], found: Found, roots: Roots, search: str) -> None:
    if not found.names:
        st.caption(f"There is no spec in {plain(roots.workspace)} yet: make a new one, or take one of those below.")
    elif not rows:
        st.caption(f"None of {len(found.names)} has {plain(search)}.")
    if found.cut:
        st.caption("There is more than is looked at here: start the app in a folder nearer to your specs.")
    spec_list(rows, key="page")


def _rows(names: Iterable[str], roots: Roots, search: str) -> list[tuple[Target, Summary]]:
    """The files that have every word that is searched for, with their summaries."""
    rows = []
    words = search.lower().split()
    for name in names:
        try:
            target = target_of(name, roots=roots)
        except Outside:  # a link to elsewhere
            continue
        summary = _summaries().of(target)
        problems = (f"{problem.path} {problem.message}" for problem in summary.problems)
        said = " ".join((name, summary.about, summary.detector, summary.data, summary.verdict, *problems)).lower()
        if all(word in said for word in words):
            rows.append((target, summary))
    return rows


@st.cache_resource
def _summaries() -> Summaries:
    return Summaries()


def _shipped_here(roots: Roots) -> tuple[Path, ...]:
    """The folder of the shipped specs where the app was started in a checkout; they have a list of their own."""
    return (shipped_specs(),) if shipped_specs().is_relative_to(roots.workspace) else ()


page()
