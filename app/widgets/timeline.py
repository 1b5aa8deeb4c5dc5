"""What happened in a run, newest first."""

import streamlit as st

from app.reading.origin import moment
from app.reading.watched import Watched
from app.widgets.url_value import in_url, some_of
from specdet.runs.happenings import Happening
from specdet.runs.words import duration

SIGNS = {"attempt": "▶", "phase": "·", "evaluation": "∑", "checkpoint": "▣", "command": "⌘", "error": "✗", "log": "≡"}
MOST = 500  # rows that are shown
BLINK = 0.05  # s


def timeline(run: Watched) -> None:
    """Show it."""
    happenings, left_out = run.happenings()
    if not happenings:
        st.info("Nothing has happened yet.")
        return
    kinds = sorted(
        {each.kind for each in happenings}, key=lambda kind: list(SIGNS).index(kind) if kind in SIGNS else 99
    )
    known = [kind for kind in SIGNS if kind in kinds]
    chosen = in_url(st.pills, "Kinds", known, name="kind", key="timeline-kinds", read=some_of(known),
                    selection_mode="multi", help="All, unless some are chosen")  # fmt: skip
    rows = [each for each in reversed(happenings) if (not chosen or each.kind in chosen) and not _is_blink(each)]
    shown = rows[:MOST]
    st.dataframe(
        {
            "when": [moment(each.t) for each in shown],
            "attempt": [each.attempt for each in shown],
            "step": [each.step for each in shown],
            "epoch": [each.epoch for each in shown],
            "what": [f"{SIGNS.get(each.kind, '·')} {each.kind}" for each in shown],
            "details": [each.what for each in shown],
            "took": ["" if each.seconds is None else _took(each.seconds) for each in shown],
        },
        hide_index=True, height=560, alt="What happened, newest first",
        column_config={"details": st.column_config.TextColumn(width="large")},
    )  # fmt: skip
    more = left_out + len(rows) - len(shown)
    if more:
        st.caption(f"{more:,} older ones are not shown: `specdet logs --events` has them all.")


def _is_blink(each: Happening) -> bool:
    """Whether it is a phase between two others that is over before anybody could have seen it."""
    return each.kind == "phase" and each.seconds is not None and each.seconds < BLINK


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
