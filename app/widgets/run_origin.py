"""What a run was trained with: its spec, and where it came from."""

from pathlib import Path

import streamlit as st

from app.plain import plain
from app.reading.origin import origin, text_of
from app.reading.run_spec import RunSpec, read_spec
from app.security.links import link_to
from app.widgets.url_value import in_url, one_of
from specdet.runs.launch_command import SPEC
from specdet.runs.meta import PATCH

VIEWS = {"differences": "What differs from the defaults", "source": "As it was written", "resolved": "Resolved"}


@st.cache_data(max_entries=64, show_spinner="Reading the spec")
def _spec(directory: Path, changed: int) -> RunSpec:
    return read_spec(directory)


def run_spec(directory: Path) -> None:
    """The spec of a run, in three views."""
    try:
        changed = (directory / SPEC).stat().st_mtime_ns
    except OSError:
        changed = 0
    spec = _spec(directory, changed)
    if spec.problem:
        st.warning(plain(f"{spec.problem[:1].upper()}{spec.problem[1:]}"))
    with st.container(horizontal=True, vertical_alignment="center"):
        view = in_url(st.segmented_control, "View", list(VIEWS), name="view", key="run-spec-view", required=True,
                      read=one_of(list(VIEWS), default="differences"), format_func=VIEWS.__getitem__,
                      label_visibility="collapsed")  # fmt: skip
        if spec.resolved:
            st.link_button("Download it resolved", link_to(directory / SPEC), icon=":material/download:")
    if view == "differences":
        _differences(spec)
        return
    text = spec.source if view == "source" else spec.resolved
    if text:
        st.code(text, language="toml", line_numbers=True)
    else:
        st.info("There is no such text in this run.")


def _differences(spec: RunSpec) -> None:
    if not spec.differences:
        st.info("Nothing differs from the defaults." if spec.resolved else "There is no spec.")
        return
    st.dataframe(
        {
            "key": [each.key for each in spec.differences],
            "default": [each.before for each in spec.differences],
            "here": [each.after for each in spec.differences],
        },
        hide_index=True, height=min(700, 38 + 35 * len(spec.differences)), alt="Values that are not their defaults",
    )  # fmt: skip


def run_origin(directory: Path) -> None:
    """Code, packages, machine and command of a run."""
    rows, problem = origin(directory)
    if problem:
        st.warning(plain(f"{problem[:1].upper()}{problem[1:]}"))
    if rows:
        st.dataframe(
            {"key": [key for key, _ in rows], "value": [value for _, value in rows]},
            hide_index=True, height=min(700, 38 + 35 * len(rows)), alt="Where the run came from",
            column_config={"value": st.column_config.TextColumn(width="large")},
        )  # fmt: skip
    elif not problem:
        st.info("There is no meta.json, which would say where the run came from.")
    patch = directory / PATCH
    if patch.is_file():
        st.subheader("What the code differed in from its commit", anchor=False)
        try:
            text, is_cut = text_of(patch)
        except OSError as error:
            st.warning(plain(f"{PATCH} cannot be read: {error.strerror or error}"))
            return
        st.link_button(f"Download {PATCH}", link_to(patch), icon=":material/download:")
        st.code(text, language="diff", height=500)
        if is_cut:
            st.caption("Only its beginning is shown.")
