"""Where a run stands: its state in a sign and words, how far it is, and how it ended."""

import time
from pathlib import Path

import streamlit as st

from app.plain import plain
from app.reading.log_lines import clean
from app.states import LOOKS
from specdet.runs.heartbeat import PROGRESS
from specdet.runs.state import STATE
from specdet.runs.status import RunStatus
from specdet.runs.tables import find_table
from specdet.runs.words import duration

PHASES = {"prepare": "prepares", "train": "trains", "eval": "evaluates", "save": "saves"}
BAD = ("failed", "lost", "orphaned", "stalled")
LONGEST_WHY = 2000  # characters
MOST_LINES = 50  # of the end of the log


def run_state(directory: Path, status: RunStatus) -> None:
    """Show it."""
    look = LOOKS[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status.state, icon=look.icon, color=look.color)  # pyright: ignore[reportArgumentType]
        st.text(" · ".join(_facts(status)))
    if status.why:
        _why(directory, status)
    _how_far(directory, status)


def _facts(status: RunStatus) -> list[str]:
    """What is known besides, each in a few words."""
    facts = []
    if status.phase:
        facts.append(PHASES.get(status.phase, status.phase[:40]))
    if status.attempt:
        facts.append(f"attempt {status.attempt}")
    if status.devices:
        facts.append(", ".join(status.devices)[:120])
    if status.host:
        facts.append(f"on {status.host[:60]}")
    if status.updated:
        ago = duration(max(0.0, time.time() - status.updated))
        facts.append(f"last heard of {ago} ago" if status.is_alive else f"ended {ago} ago")
    return facts


def _why(directory: Path, status: RunStatus) -> None:
    why = status.why[:LONGEST_WHY]
    if status.state in BAD:
        (st.error if status.state == "failed" else st.warning)(plain(f"{why[:1].upper()}{why[1:]}"))
    else:
        st.text(why)
    lines = find_table(directory / STATE).values.get("last_lines")
    if status.state == "failed" and isinstance(lines, list) and lines:
        with st.container(height=260, autoscroll=True):
            st.code("\n".join(clean(str(line).encode()) for line in lines[-MOST_LINES:]), language=None)


def _how_far(directory: Path, status: RunStatus) -> None:
    if not status.iter and not status.max_iters:
        return
    share = min(1.0, status.iter / status.max_iters) if status.max_iters > 0 else 0.0
    words = [f"step {status.iter:,}" + (f" of {status.max_iters:,}" if status.max_iters else "")]
    if status.epoch or status.max_epochs:
        words.append(
            f"{status.epoch:,} of {status.max_epochs:,} epochs" if status.max_epochs else f"epoch {status.epoch:,}"
        )
    if status.eta_s is not None and status.eta_s >= 0 and status.state == "running":
        words.append(f"{duration(status.eta_s)} left")
    speed = find_table(directory / PROGRESS).number("iters_per_s")
    if speed and status.is_alive:
        words.append(f"{speed:.3g} steps a second")
    st.progress(max(0.0, share), text=plain(f"{share:.0%} · " + " · ".join(words)))
