"""A table of which rows are picked, by id: a table that refreshes itself keeps them while rows come and move."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from app.launching.picking import picked_after, rows_of, still_there

OPEN = ":material/open_in_new:"
ROW = 35  # px


def pick_table(
    ids: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
    *,
    key: str,
    config: Mapping[str, Any],
    rows: int,
    mode: Literal["multi-row", "single-row"] = "multi-row",
    alt: str,
) -> str:
    """Show the table; gives the id of the row whose open button was pressed, or an empty text.

    Args:
        ids: Of each row.
        columns: Cells by column, in order.
        key: Of the widget; `picked` and `unpick` are told the same.
        config: Of the columns.
        rows: How many the table has room for.
        mode: Whether several can be picked.
        alt: What it is, for who cannot see it.
    """
    shown, wanted = [*ids], rows_of(ids, picked(key))
    now = st.session_state.get(key)
    if now is not None and [*now.get("selection", {}).get("rows", [])] != wanted:
        st.session_state[key] = {"selection": {"rows": wanted, "columns": [], "cells": []}}
    st.session_state[_shown(key)] = shown
    st.dataframe(
        {"open": [OPEN] * len(shown), **columns},
        hide_index=True,
        height=ROW * (min(len(shown), rows) + 1) + 3,
        row_height=ROW,
        key=key,
        on_select=lambda: _take(key),
        selection_mode=mode,
        placeholder="",
        column_config={
            "open": st.column_config.ButtonColumn("", type="tertiary", width=40, pinned=True, key=_opened(key)),
            **config,
        },
        alt=alt,
    )
    click = st.session_state.get(_opened(key))
    return shown[click["row"]] if click and 0 <= click["row"] < len(shown) else ""


def picked(key: str) -> tuple[str, ...]:
    """The ids of what is picked, also on pages of the table that are not shown."""
    return st.session_state.get(_picked(key), ())


def keep_picked(key: str, there: Sequence[str]) -> tuple[str, ...]:
    """Unpick what is not listed any more; gives what is still picked."""
    st.session_state[_picked(key)] = still_there(picked(key), {*there})
    return picked(key)


def unpick(key: str) -> None:
    """Let nothing be picked."""
    st.session_state[_picked(key)] = ()


def _take(key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    shown = st.session_state.get(_shown(key), [])
    st.session_state[_picked(key)] = picked_after(picked(key), shown=shown, rows=rows)


def _picked(key: str) -> str:
    return f"{key}-picked"


def _shown(key: str) -> str:
    return f"{key}-shown"


def _opened(key: str) -> str:
    return f"{key}-opened"
