"""data_sets: data sets that are read, with what is being waited for."""

import time
from collections.abc import Iterable

import attrs
import streamlit as st

from app.browsing.opened import OpenedSet
from app.browsing.set_job import SetJob
from app.browsing.sets import NamedSet
from app.browsing.shelf import Shelf
from app.plain import plain
from app.security.roots import Roots
from specdet.experiment import Experiment
from specdet.runs.words import byte_count

POLL = 0.25  # s


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """A set that was read; `key` changes when its files do."""

    key: str
    opened: OpenedSet


def data_sets(
    experiment: Experiment, wanted: Iterable[NamedSet], *, roots: Roots, headers: bool = False
) -> dict[str, Found]:
    """Sets by name; says what is waited for until all are read. Leaving the page does not end the reading."""
    jobs = {each.name: shelf().get(experiment, each, roots=roots, headers=headers) for each in wanted}
    said = st.empty()
    for name, (_, job) in jobs.items():
        while not job.wait(0.0 if job.opened is not None else POLL):
            with said:  # each of these lets another click through
                st.info(plain(_waiting(name, job, headers=headers)), icon=":material/hourglass_empty:")
    said.empty()
    return {name: Found(key=key, opened=job.opened or OpenedSet()) for name, (key, job) in jobs.items()}


def forget(found: Iterable[Found]) -> None:
    """Read sets anew."""
    for each in found:
        shelf().forget(each.key)


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The sets of this server."""
    return Shelf()


def _waiting(name: str, job: SetJob, *, headers: bool) -> str:
    what = "The annotations and the headers of all image files" if headers else "The annotations"
    seconds = time.monotonic() - job.started
    return f"{what} of {name} are being read, about {byte_count(job.bytes)} ({seconds:.0f} s); then they are kept."
