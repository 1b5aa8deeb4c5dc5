"""The table of all runs: filters, live rows, and what can be done to those that are picked."""

import time
from pathlib import Path

import attrs
import streamlit as st

from app.launching.run_rows import columns_of, metrics_of, page_of, tags_of
from app.plain import plain
from app.states import LOOKS
from app.widgets.asked import show_asked
from app.widgets.bulk_actions import bulk_actions
from app.widgets.pick_table import keep_picked, pick_table
from app.widgets.run_list import all_runs, loss_line
from app.widgets.told import show_told
from app.widgets.url_value import begin, flag, in_url, one_of, some_of, text, whole, write
from specdet.runs.filters import TEXTS, TIMES, Filter, in_order, since
from specdet.runs.status import STATES, RunStatus

KEY, PAGE, ROWS = "runs-table", "runs-page", 25
PAGE_NUMBER = whole(1, 10**9, default=1)
SINCE = ("", "1h", "1d", "7d", "30d")
SINCE_WORDS = {"": "made: any time", "1h": "made: last hour", "1d": "made: last day", "7d": "made: last 7 days",
               "30d": "made: last 30 days"}  # fmt: skip


def runs_table(root: Path) -> None:
    """Show it; runs in a fragment that refreshes itself."""
    runs = all_runs(root)
    if not runs:
        st.info(f"There are no runs in {plain(root)} yet: launch a spec.", icon=":material/rocket_launch:")
        st.page_link("pages/specs.py", label="Specs", icon=":material/description:")
        return
    choice = _filters(runs)
    found = choice.wanted.of(runs)
    is_known = choice.order in (*TIMES, *TEXTS) or any(choice.order in run.best for run in found)
    found = in_order(found, choice.order if is_known else TIMES[0], reverse=choice.reverse)
    chosen = keep_picked(KEY, [run.id for run in found])
    bulk_actions(root, runs=[run for run in found if run.id in chosen], key=KEY)
    show_told()
    show_asked()
    begin("p", key=PAGE, read=PAGE_NUMBER)
    page = page_of(found, st.session_state[PAGE], size=ROWS)
    st.session_state[PAGE] = page.number
    columns = columns_of(page.runs, metric=choice.metric, now=time.time(), line_of=lambda run: loss_line(root / run.id))
    opened = pick_table([run.id for run in page.runs], columns, key=KEY, config=_config(), rows=ROWS, alt="Runs")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(_counted(page.total, len(runs)))
        write("p", st.pagination(page.count, key=PAGE), key=PAGE, read=PAGE_NUMBER)
    if opened:
        st.switch_page("pages/run.py", query_params={"run": opened})


@attrs.frozen(kw_only=True)
class _Choice:
    """Which runs are to be shown, with which metric, in which order."""

    wanted: Filter
    metric: str
    order: str
    reverse: bool


def _filters(runs: tuple[RunStatus, ...]) -> _Choice:
    """What was chosen."""
    metrics = metrics_of(runs)
    tagged, orders = tags_of(runs), [*TIMES, *TEXTS, *metrics]
    with st.container(horizontal=True, vertical_alignment="center"):
        words = in_url(st.text_input, "Search", name="q", key="runs-q", read=text, type="search", live=True,
                       width="stretch", icon=":material/search:", label_visibility="collapsed",
                       placeholder="Search names, ids, notes, tags")  # fmt: skip
        states = in_url(st.multiselect, "State", STATES, name="state", key="runs-state", read=some_of(STATES),
                        width=155, placeholder="any state", label_visibility="collapsed",
                        format_func=lambda state: f"{LOOKS[state].sign} {state}")  # fmt: skip
        tags = in_url(st.multiselect, "Tags", tagged, name="tag", key="runs-tag", read=some_of(tagged), width=155,
                      placeholder="any tag", label_visibility="collapsed")  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        # What was typed is an option from then on: of others the browser gives back what they are shown as.
        typed = st.session_state.get("runs-since") or text(st.query_params.get_all("since"))
        times = list(dict.fromkeys((*SINCE, typed)))
        when = in_url(st.selectbox, "Made in", times, name="since", key="runs-since", read=text, width=155,
                      accept_new_options=True, format_func=_since_words, label_visibility="collapsed")  # fmt: skip
        order = in_url(st.selectbox, "Sorted by", orders, name="sort", key="runs-sort", width=155,
                       read=one_of(orders, default=TIMES[0]), label_visibility="collapsed",
                       format_func=lambda key: f"sort: {'made' if key == 'created' else key}")  # fmt: skip
        metric = in_url(st.selectbox, "Metric", ["", *metrics], name="metric", key="runs-metric", read=one_of(metrics),
                        width=155, format_func=lambda name: f"metric: {name or 'main'}",
                        label_visibility="collapsed")  # fmt: skip
        reverse = in_url(st.toggle, "Reversed", name="reverse", key="runs-reverse", read=flag)
        starred = in_url(st.toggle, "★ only", name="star", key="runs-star", read=flag)
        archived = in_url(st.toggle, "Archived", name="archived", key="runs-archived", read=flag)
    try:
        start = since(when) if when else 0.0
    except ValueError as error:
        st.error(plain(error))
        start = 0.0
    wanted = Filter(states=states, tags=tags, text=words or "", starred=starred, since=start, archived=archived)
    return _Choice(wanted=wanted, metric=metric or "", order=order or TIMES[0], reverse=reverse)


def _since_words(text: str | None) -> str:
    return SINCE_WORDS.get(text or "") or f"made: {text}"


def _config() -> dict[str, object]:
    column = st.column_config
    return {
        "star": column.TextColumn("★", width=30),
        "state": column.TextColumn("State", width=120),
        "name": column.TextColumn("Name", width=150),
        "progress": column.ProgressColumn("Progress", width=105, format="%d%%", min_value=0, max_value=100),
        "left": column.TextColumn("Left", width=55, help="Time until it is through, at the speed of late."),
        "loss": column.LineChartColumn("Loss", width=80),
        "metric": column.TextColumn("Metric", width=125),
        "best": column.NumberColumn("Best", width=65, format="%.4g"),
        "last": column.NumberColumn("Last", width=65, format="%.4g"),
        "tags": column.ListColumn("Tags", width=120),
        "about": column.TextColumn("About", width=220, help="Why it is in that state, and the note's first line."),
        "age": column.TextColumn("Made", width=90),
        "took": column.TextColumn("Took", width=70),
        "devices": column.TextColumn("Devices", width=90),
        "parent": column.TextColumn("Made from", width=120),
        "id": column.TextColumn("Id", width=240),
    }


def _counted(found: int, total: int) -> str:
    return f"{total} runs" if found == total else f"{found} of {total} runs"
