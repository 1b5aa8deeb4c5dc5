"""Several runs in tables: where they stand, what they measured, and what differs in their specs."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.charts.groups import distinct, shortened
from app.plain import plain
from app.reading.origin import moment
from app.reading.side_by_side import delta, metric_rows, spec_rows
from app.reading.watched import Watched
from app.states import LOOKS
from specdet.comparison import compare
from specdet.runs.status import RunStatus
from specdet.runs.words import duration
from specdet.spec import SpecError


def standing(runs: Sequence[RunStatus], readers: Sequence[Watched], names: Sequence[str]) -> None:
    """Where each run stands."""
    st.dataframe(
        {
            "run": list(names),
            "state": [f"{LOOKS[run.state].sign} {run.state}" for run in runs],
            "step": [f"{run.iter:,}" + (f" of {run.max_iters:,}" if run.max_iters else "") for run in runs],
            "epochs": [run.epoch for run in runs],
            "trained for": [duration(reader.seconds) for reader in readers],
            "images a second": [_last(reader, "images_per_s") for reader in readers],
            "started": [moment(run.created) if run.created else "" for run in runs],
            "id": [run.id for run in runs],
        },
        hide_index=True, alt="Where each run stands",
    )  # fmt: skip


def _last(reader: Watched, name: str) -> float | None:
    values = reader.last_values([name], count=1).get(name)
    return round(values[-1][1], 1) if values else None


def metric_table(runs: Sequence[RunStatus], names: Sequence[str]) -> None:
    """The last and the best of each metric in each run, and how far from the first run."""
    rows = metric_rows(runs)
    if not rows:
        st.info("None of these runs was evaluated yet.")
        return
    columns: dict[str, list[str]] = {"metric": [shortened(row.name) for row in rows]}
    for place, name in enumerate(names):
        first = place == 0
        columns[f"{name}: best"] = [
            delta(row.best[place], None if first else row.best[0])
            + (f" at {row.best_step[place]:,}" if row.best[place] is not None else "")
            + (" ◆" if row.winner == place else "")
            for row in rows
        ]
        columns[f"{name}: last"] = [delta(row.last[place], None if first else row.last[0]) for row in rows]
    st.dataframe(columns, hide_index=True, height=min(700, 38 + 35 * len(rows)), alt="Metrics of each run",
                 column_config={"metric": st.column_config.TextColumn(pinned=True)})  # fmt: skip
    st.caption(f"In brackets: more or less than {plain(names[0])}. ◆ has the best of a metric.")


def spec_table(directories: Sequence[Path], names: Sequence[str]) -> None:
    """The keys in which the specs differ."""
    try:
        rows = spec_rows(compare(directories))
    except SpecError as error:
        st.warning(plain(f"The specs cannot be compared: {error}"))
        return
    if not rows:
        st.info("The specs of these runs say the same.")
        return
    called = distinct(names, besides=["key"])
    columns = {name: [values[place] for _, values in rows] for place, name in enumerate(called)}
    st.dataframe({"key": [key for key, _ in rows], **columns}, hide_index=True, height=min(700, 38 + 35 * len(rows)),
                 column_config={"key": st.column_config.TextColumn(pinned=True)},
                 alt="Keys of the specs that differ, with the value in each run")  # fmt: skip
    st.caption(f"{len(rows)} keys differ; a dash stands where a spec has no such key.")
