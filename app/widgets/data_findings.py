"""data_findings: all that was found in data sets, each kind with what to do about it."""

from collections.abc import Sequence

import streamlit as st

from app.browsing.told import Told, Weight
from app.plain import plain

SHOWN = 50  # examples
HEADS: dict[Weight, tuple[str, str, str]] = {
    "problem": (":material/error:", "Problems", "A training does not start before they are mended."),
    "remark": (":material/warning:", "Remarks", "A training starts; this was put right, or should be."),
    "note": (":material/info:", "Notes", "Nothing is wrong with it, but it may surprise."),
}


def data_findings(rows: Sequence[Told]) -> None:
    """Show them, problems first."""
    if not rows:
        st.success("Nothing was found: every file is there, and every box lies in its image.", icon=":material/check:")
    for weight, (icon, head, meaning) in HEADS.items():
        own = [row for row in rows if row.weight == weight]
        if own:
            st.subheader(f"{icon} {head}")
            st.caption(meaning)
        for row in own:
            _one(row)


def _one(row: Told) -> None:
    with st.container(border=True):
        count = f" ({row.count:,})" if row.items else ""
        st.markdown(f"**{plain(row.set)}**: {plain(row.what)}{count}")
        if row.advice:
            st.caption(plain(row.advice))
        if row.items:
            with st.expander("Examples" if row.count > SHOWN else "All of them", expanded=row.count <= 3):
                left = row.count - len(row.items[:SHOWN])
                st.code("\n".join((*row.items[:SHOWN], *([f"and {left:,} more"] if left else []))), language=None)
