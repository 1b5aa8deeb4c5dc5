"""Steering a run: a button for each thing that can be asked of it, and what came of what was asked."""

import time
from collections.abc import Callable, Container
from pathlib import Path

import streamlit as st

from app.plain import plain
from app.widgets.asked import WORDS
from specdet.launching import BusyError, options_to_resume, resume
from specdet.runs.control import Asked, Kind, asked
from specdet.runs.status import RunStatus
from specdet.runs.steering import refusal, refusal_to_resume, steer
from specdet.runs.trash import move_to_trash
from specdet.runs.user import edit_user
from specdet.runs.words import duration
from specdet.spec import SpecError

BUTTONS: tuple[tuple[Kind, str, str, str], ...] = (
    ("stop", "Stop and save", ":material/stop_circle:", "It saves a checkpoint at the next step, and can be resumed"),
    ("checkpoint", "Checkpoint", ":material/save:", "It saves a checkpoint now and goes on"),
    ("evaluate", "Evaluate", ":material/query_stats:", "It measures its metrics now and goes on"),
)
TOLD = "run-control-problem"
SHOWN = 3  # of what was asked
RECENT = 600.0  # s that an answer is shown


def run_controls(directory: Path, status: RunStatus) -> None:
    """Show the buttons, and what came of what was asked."""
    try:
        told = asked(directory)
    except OSError as error:
        told = []
        st.warning(plain(f"What was asked of it cannot be read: {error.strerror or error}"))
    waiting = {each.command.kind for each in told if not each.outcome and status.is_alive}

    def ask(kind: Kind) -> None:
        _try(lambda: steer(directory, kind, status=status, by="app"))

    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for kind, label, icon, about in BUTTONS:
            why = _why_not(status, kind, waiting)
            st.button(
                label,
                icon=icon,
                key=f"ask-{kind}",
                disabled=bool(why),
                help=plain(why) or about,
                on_click=ask,
                args=(kind,),
            )
        _stop_now(status, waiting, ask)
        _resume(directory, status)
        _run_again(directory, status)
        _more(directory, status)
    if problem := st.session_state.get(TOLD, ""):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.error(plain(problem))
            st.button("I see", key="told-of-run", on_click=lambda: st.session_state.pop(TOLD, None))
    now = time.time()
    with st.container(gap=None):
        for each in [each for each in told if not each.outcome or now - each.command.t < RECENT][:SHOWN]:
            st.text(_told(each, status, now=now))


def _why_not(status: RunStatus, kind: Kind, waiting: Container[Kind]) -> str:
    return "it was asked already, and has not answered yet" if kind in waiting else refusal(status, kind)


def _stop_now(status: RunStatus, waiting: Container[Kind], ask: Callable[[Kind], None]) -> None:
    why = _why_not(status, "stop_now", waiting)
    with st.popover(
        "Stop now", icon=":material/cancel:", disabled=bool(why), help=plain(why) or "Without a checkpoint"
    ):
        st.text("What was trained since the last checkpoint is lost.")
        st.button(
            "Stop it without saving",
            key="ask-stop_now",
            type="primary",
            disabled=bool(why),
            on_click=ask,
            args=("stop_now",),
        )


def _resume(directory: Path, status: RunStatus) -> None:
    why = refusal_to_resume(status)

    def go_on() -> None:
        _try(lambda: resume(directory, options=options_to_resume(directory)))

    st.button("Resume", icon=":material/resume:", key="resume", disabled=bool(why), on_click=go_on,
              help=plain(why) or "It goes on from its last checkpoint, on the devices it had")  # fmt: skip


def _run_again(directory: Path, status: RunStatus) -> None:
    if st.button("Run again", icon=":material/replay:", key="rerun", help="A new run of the same spec"):
        st.switch_page("pages/launch.py", query_params={"rerun": directory.name})


def _more(directory: Path, status: RunStatus) -> None:
    with st.popover("More", icon=":material/more_horiz:"):
        if st.button("Change and resume", icon=":material/tune:", key="resume-changed", disabled=status.is_alive,
                     help="Longer, or on other devices"):  # fmt: skip
            st.switch_page("pages/launch.py", query_params={"resume": directory.name})
        if st.button("Compare with others", icon=":material/difference:", key="compare"):
            st.switch_page("pages/compare.py", query_params={"run": directory.name})
        st.button("Unarchive" if status.archived else "Archive", icon=":material/archive:", key="archive",
                  on_click=_try, args=(lambda: edit_user(directory, archived=not status.archived),),
                  help="Lists of runs leave it out")  # fmt: skip
        why = "stop it first" if status.is_alive else ""
        sure = st.checkbox("I want it in the trash", key=f"sure-{status.id}", disabled=bool(why))
        if st.button("Move to trash", icon=":material/delete:", key="trash", disabled=bool(why) or not sure,
                     help=plain(why) or "The trash gives it back"):  # fmt: skip
            _try(lambda: move_to_trash(directory))
            if not directory.exists():
                st.toast(plain(f"{directory.name} is in the trash"), icon=":material/delete:")
                st.switch_page("pages/runs.py")


def _told(each: Asked, status: RunStatus, *, now: float) -> str:
    """What was asked, and what came of it, in a line."""
    command = each.command
    what = WORDS[command.kind]
    by = f" by {command.by[:40]}" if command.by and command.by != "app" else ""
    ago = f"{duration(max(0.0, now - command.t))} ago"
    if each.outcome:
        return f"{'✓' if each.outcome == 'done' else '✗'} Asked{by} {ago} to {what}: {each.outcome[:300]}"
    if not status.is_alive:
        return f"✗ Asked{by} {ago} to {what}: it ended without an answer"
    return f"⏳ Asked{by} {ago} to {what}: it has not answered yet"


def _try(act: Callable[[], object]) -> None:
    """Do it, or say why it could not be done until that was seen."""
    st.session_state.pop(TOLD, None)
    try:
        act()
    except BusyError as error:
        st.session_state[TOLD] = f"{error}; change and resume it to let it wait"
    except (SpecError, ValueError, OSError) as error:
        st.session_state[TOLD] = str(error)
