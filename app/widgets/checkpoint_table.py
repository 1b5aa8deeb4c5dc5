"""The checkpoints of a run: which there are, their weights, and starting from one."""

from pathlib import Path

import streamlit as st

from app.charts.groups import distinct
from app.plain import plain
from app.reading.origin import moment
from app.security.links import link_to
from app.security.roots import Outside, file_of
from specdet.runs.checkpoints import Checkpoints, FoundCheckpoint, read_checkpoints
from specdet.runs.words import MAIN_METRICS, byte_count

MOST_METRICS = 4  # columns
OTHERS = ("", "checkpoint", "step", "epoch", "written", "size")


def checkpoint_table(directory: Path) -> None:
    """Show it."""
    known = read_checkpoints(directory)
    if not known.found:
        st.info("There is no checkpoint yet.")
        return
    newest = [*reversed(known.found)]
    names = list(dict.fromkeys(name for each in newest for name in each.metrics))
    metrics = [*(name for name in MAIN_METRICS if name in names), *(name for name in names if name not in MAIN_METRICS)]
    if known.best_problem:
        st.warning(plain(f"Which one is the best is not known: {known.best_problem}"))
    shown = metrics[:MOST_METRICS]
    st.dataframe(
        {
            "": [_mark(each, known) for each in newest],
            "checkpoint": [each.path.name for each in newest],
            "step": [each.iter for each in newest],
            "epoch": [each.epoch for each in newest],
            "written": [moment(each.written) if each.written else "" for each in newest],
            "size": [byte_count(each.size) for each in newest],
            **{
                label: [each.metrics.get(name) for each in newest]
                for name, label in zip(shown, distinct(shown, besides=OTHERS), strict=True)
            },
        },
        hide_index=True, alt="Checkpoints, the one written last first",
    )  # fmt: skip
    whole = [each for each in newest if each.is_whole]
    if whole:
        _one(directory, whole, known)


def _mark(each: FoundCheckpoint, known: Checkpoints) -> str:
    marks = (
        "✗ not whole" if not each.is_whole else "",
        "◆ best" if each.path.name == known.best else "",
        "▶ last" if each == known.last else "",
    )
    return "  ".join(mark for mark in marks if mark)


def _one(directory: Path, whole: list[FoundCheckpoint], known: Checkpoints) -> None:
    """What can be done with one of them."""
    names = [each.path.name for each in whole]
    preferred = names.index(known.best) if known.best in names else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Checkpoint", names, index=preferred, key="checkpoint", width=320)
        chosen = next((each for each in whole if each.path.name == name), whole[preferred])
        for weights in chosen.weights:
            try:
                path = file_of(directory, f"{chosen.path.relative_to(directory)}/{weights}")
                what = "averaged weights" if weights.startswith("ema") else "weights"
                st.link_button(f"Download its {what} ({byte_count(path.stat().st_size)})", link_to(path),
                               icon=":material/download:")  # fmt: skip
            except (Outside, OSError) as error:
                st.caption(plain(error))
        if st.button("Start a new run from it", icon=":material/rocket_launch:", key="start-from"):
            start = {"rerun": directory.name, "set": f"train.load_from={chosen.path}"}
            st.switch_page("pages/launch.py", query_params=start)
    st.caption("A new run takes its weights alone. To go on with this run, optimizer and all, resume it.")
