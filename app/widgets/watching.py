"""The readers of runs that pages share: one a run, however many windows look at it."""

from pathlib import Path

import streamlit as st

from app.plain import plain
from app.reading.watched import Watched
from specdet.runs.words import byte_count

MOST_RUNS = 16  # whose events are kept in memory
AT_ONCE = 0.25  # s of reading between two words on how far it is


@st.cache_resource(max_entries=MOST_RUNS, show_spinner=False)
def _watched(directory: Path) -> Watched:
    return Watched(directory)


def watched(directory: Path) -> Watched:
    """The reader of a run, with all that its events say; says how far it is where that takes a while.

    Raises:
        Outside, OSError: As `Watched.advance`.
    """
    reader = _watched(directory)
    place = st.empty()
    done = reader.advance(seconds=AT_ONCE)
    while done < 1.0:
        size = byte_count(reader.size)
        place.progress(done, text=f"Reading {size} of what {plain(directory.name)} has measured")
        done = reader.advance(seconds=AT_ONCE)
    place.empty()
    return reader
