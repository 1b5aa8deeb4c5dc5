"""Compare: several runs side by side, in the order that the URL names them."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.plain import plain
from app.reading.guard import refuse_links
from app.reading.side_by_side import labels
from app.security.roots import Outside, Roots
from app.widgets.compared_charts import compared_charts
from app.widgets.compared_images import compared_images
from app.widgets.compared_tables import metric_table, spec_table, standing
from app.widgets.refusal import refusal
from app.widgets.run_choice import named
from app.widgets.run_list import all_runs, look_again
from app.widgets.url_value import in_url, one_of
from app.widgets.watching import watched
from specdet.runs.status import RunStatus, read_status

EVERY = 2.0  # s
FEWEST, MOST = 2, 8
TABS = {
    "charts": ":material/monitoring: Charts",
    "metrics": ":material/table: Metrics",
    "spec": ":material/difference: Spec",
    "images": ":material/photo_library: Images",
}


def page() -> None:
    """Show the runs that the URL names."""
    st.title("Compare", anchor=False)
    root = Roots.here().runs
    try:
        ids = _choice(root)
        if len(ids) < FEWEST:
            st.info(f"Choose {FEWEST} to {MOST} runs above. The first of them is what the others are compared with.")
            return
        tab = in_url(st.segmented_control, "Part", list(TABS), name="tab", key="compare-tab", required=True,
                     read=one_of(list(TABS), default="charts"), format_func=TABS.__getitem__,
                     label_visibility="collapsed")  # fmt: skip
        live = tab in ("charts", "metrics") and any(not read_status(root / each).settled for each in ids)
        st.fragment(_show, run_every=EVERY if live else None)(ids, tab)
    except (Outside, OSError) as error:
        refusal(error)


def _choice(root: Path) -> list[str]:
    """The ids of the runs, as chosen; of those in the URL that are not there it says so."""
    asked = st.query_params.get_all("run")
    runs = {status.id: status for status in all_runs(root)}
    if any(each not in runs for each in asked):  # made since the list was
        look_again()
        runs = {status.id: status for status in all_runs(root)}
    for each in [each for each in asked if each not in runs][:MOST]:
        st.warning(plain(f"There is no run {each[:200]} in {root}: was it moved or deleted?"))

    def read(said: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(each for each in said if each in runs))[:MOST]

    return in_url(st.multiselect, "Runs", list(runs), name="run", key="compare-runs", read=read, max_selections=MOST,
                  format_func=lambda each: named(runs[each]), placeholder="Names or ids")  # fmt: skip


def _show(ids: Sequence[str], tab: str) -> None:
    """What changes by itself."""
    try:
        roots = Roots.here()
        directories = [roots.run(each) for each in ids]
        for directory in directories:
            refuse_links(directory)
        runs: list[RunStatus] = [read_status(directory) for directory in directories]
        names = labels(runs)
        if tab == "spec":
            spec_table(directories, names)
        elif tab == "images":
            compared_images(directories, names)
        else:
            readers = [watched(directory) for directory in directories]
            with st.container():
                standing(runs, readers, names)
            with st.container():
                if tab == "metrics":
                    metric_table(runs, names)
                else:
                    compared_charts(readers, names)
    except (Outside, OSError) as error:
        refusal(error)


page()
