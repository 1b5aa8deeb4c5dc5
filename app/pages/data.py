"""Data: the images that a spec trains and evaluates on, before anything is trained."""

from pathlib import Path

import streamlit as st

from app.browsing.columns import Columns
from app.browsing.looks import Oddity, in_both, oddities
from app.browsing.sets import NamedSet, sets_of
from app.browsing.subject import Subject, read, subject_of
from app.browsing.told import Told, told
from app.editing.find import find_specs, shipped_names
from app.plain import plain
from app.security.roots import Outside, Roots
from app.widgets.data_findings import data_findings
from app.widgets.data_images import View, data_images, data_view
from app.widgets.data_sets import Found, data_sets, forget
from app.widgets.data_statistics import data_statistics
from app.widgets.url_value import flag, in_url, one_of
from specdet.experiment import Experiment

TABS = {"images": "Images", "statistics": "Statistics", "findings": "Findings"}
SPECS_FOR = 10.0  # s that the list of specs is taken to hold


def page() -> None:
    """The data of what the URL names."""
    roots = Roots.here()
    try:
        subject = subject_of(st.query_params, roots=roots)
    except Outside as error:
        _pick(roots, None)
        st.error(plain(error))
        return
    _pick(roots, subject)
    if subject is None:
        st.info("Choose a spec to see the images that it trains and evaluates on.", icon=":material/photo_library:")
        return
    with st.spinner("Reading the spec", show_time=False):
        found = read(subject)
    if found.experiment is None:
        st.error("The spec has problems; its data can be shown when they are mended.")
        st.code("\n".join(str(problem) for problem in found.problems), language=None)
        if subject.kind == "spec":
            st.page_link("pages/edit.py", label="Edit the spec", icon=":material/edit:",
                         query_params={"file": subject.name})  # fmt: skip
        return
    _data(found.experiment, roots)


def _pick(roots: Roots, subject: Subject | None) -> None:
    """Which spec; the data of a run are those of the run."""
    if subject is not None and subject.kind == "run":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.title("Data", width="content")
            st.text(f"of the run {subject.name}", width="content")
            st.page_link("pages/run.py", label="Show the run", icon=":material/monitoring:",
                         query_params={"run": subject.name}, width="content")  # fmt: skip
        return
    names = [*_own_specs(roots.workspace, roots.runs), *shipped_names(bases=False)]
    if subject is not None and subject.name not in names:
        names.insert(0, subject.name)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Data", width="content")
        in_url(st.selectbox, "Spec", ["", *names], name="spec", key="data-spec", read=one_of(names), width=420,
               format_func=lambda name: name or "Choose a spec", label_visibility="collapsed")  # fmt: skip
        if subject is not None:
            st.page_link("pages/edit.py", label="Edit", icon=":material/edit:", query_params={"file": subject.name},
                         width="content")  # fmt: skip
            st.page_link("pages/launch.py", label="Launch", icon=":material/play_arrow:",
                         query_params={"spec": subject.name}, width="content")  # fmt: skip


@st.cache_data(ttl=SPECS_FOR, show_spinner="Looking for specs")
def _own_specs(workspace: Path, runs: Path) -> tuple[str, ...]:
    return find_specs(workspace, skip=(runs,)).names


def _data(experiment: Experiment, roots: Roots) -> None:
    sets = sets_of(experiment.data)
    name, headers, again, view = next(iter(sets)), False, False, View()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        tab = in_url(st.segmented_control, "Show", list(TABS), name="tab", key="data-tab",
                     read=one_of(list(TABS), default="images"), format_func=TABS.__getitem__,
                     required=True)  # fmt: skip
        if tab == "images":
            name = in_url(st.segmented_control, "Set", list(sets), name="set", key="data-set",
                          read=one_of(list(sets), default=name), format_func=plain, required=True)  # fmt: skip
            view = data_view(sets[name], experiment)
        elif tab == "findings":
            again = st.button("Read all again", icon=":material/refresh:")
            headers = in_url(st.toggle, "Open every image file as well", name="files", key="data-files", read=flag,
                             help="Compares the size of each file with its annotations; about 0.1 ms an "
                                  "image.")  # fmt: skip
    if "val" not in sets:
        st.caption("The spec has no data.val, so nothing is evaluated: add one to see it here.")
    if tab == "images":
        named = sets[name]
        found = data_sets(experiment, [*(sets[each] for each in named.before), named], roots=roots)
        _warn({name: found[name]})
        data_images(
            experiment, named, found[name], view=view, before={each: found[each] for each in named.before}, roots=roots
        )
        return
    found = data_sets(experiment, sets.values(), roots=roots, headers=headers)
    if again:
        forget(found.values())
        st.rerun()
    if tab == "statistics":
        _warn(found)
        with st.spinner("Counting boxes", show_time=False):
            data_statistics(
                {name: each.opened.columns for name, each in found.items() if each.opened.columns},
                key=" ".join(each.key for each in found.values()),
            )
        return
    with st.spinner("Looking through the boxes", show_time=False):
        rows = _told(sets, found)
    data_findings(rows)


def _warn(found: dict[str, Found]) -> None:
    """Say what a training would stumble over."""
    unusable = [name for name, each in found.items() if not each.opened.is_usable]
    if unusable:
        st.warning(f"A training would not start with {plain(' and '.join(unusable))}: see Findings.",
                   icon=":material/error:")  # fmt: skip


def _told(sets: dict[str, NamedSet], found: dict[str, Found]) -> list[Told]:
    """All findings of all sets, and of the training sets beside the one to evaluate on."""
    rows: list[Told] = []
    val = found["val"].opened.columns if "val" in found else None
    for name, each in found.items():
        columns = each.opened.columns
        odd = [] if columns is None else [*_oddities(each.key, _columns=columns)]
        if columns is not None and val is not None and sets[name].training:
            odd += in_both(columns, val)
        rows += told(name, each.opened.findings, odd)
    return rows


@st.cache_resource(max_entries=8, show_spinner=False)
def _oddities(key: str, *, _columns: Columns) -> list[Oddity]:
    return list(oddities(_columns))


page()
