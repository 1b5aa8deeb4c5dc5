"""Spec files in a list: what each is about, whether it is fine, and what can be done with it."""

from collections.abc import Sequence

import streamlit as st

from app.editing.summary import Summary
from app.editing.target import Target
from app.plain import plain
from app.widgets.new_spec import copy_dialog

PAGE = 20  # rows that are shown at once


def spec_list(rows: Sequence[tuple[Target, Summary]], *, key: str) -> None:
    """The list, in pages; `key` is that of the page in the URL."""
    pages = -(-len(rows) // PAGE)
    if pages > 1:
        number = st.pagination(pages, key=key, bind="query-params")
        rows = rows[(number - 1) * PAGE : number * PAGE]
    for target, summary in rows:
        with st.container(border=True, key=f"row/{target.name}"):
            _row(target, summary)


def _row(target: Target, summary: Summary) -> None:
    name, facts, ways = st.columns([8, 6, 10], vertical_alignment="center", gap="small")
    with name, st.container(gap="xxsmall"):
        st.page_link(
            "pages/edit.py",
            label=f"**{plain(target.name)}**",
            icon=":material/edit:",
            query_params={"file": target.name},
        )
        if summary.about:
            st.caption(plain(summary.about))
        for problem in summary.problems[:1]:
            where = ": ".join(part for part in (problem.path, problem.message) if part)
            st.markdown(f":small[:red[{plain(where)}]]")
    with facts, st.container(gap="xxsmall"):
        for icon, text in ((":material/hub:", summary.detector), (":material/photo_library:", summary.data)):
            if text:
                st.caption(f"{icon} {plain(text)}")
    with ways, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", gap="xsmall"):
        _verdict(summary)
        copies = target.is_shipped and st.button(
            "Copy",
            key=f"copy/{target.name}",
            icon=":material/file_copy:",
            type="tertiary",
            help="Copy it into this folder to edit it.",
        )
        if copies:
            copy_dialog(target)
        if not summary.part:
            query = {"spec": target.name}
            st.page_link("pages/data.py", label="Data", icon=":material/photo_library:", query_params=query)
            st.page_link("pages/launch.py", label="Launch", icon=":material/play_arrow:", query_params=query)


def _verdict(summary: Summary) -> None:
    if summary.problems:
        st.badge(summary.verdict, icon=":material/error:", color="red")
    elif summary.part:
        st.badge("a part, fine", icon=":material/check:", color="gray", help="A base for others, checked as such.")
    else:
        st.badge("fine", icon=":material/check_circle:", color="green")
