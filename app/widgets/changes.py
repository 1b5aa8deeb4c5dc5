"""Changes to a spec for one launch: rows of a key and a value, in the URL as `set=KEY=VALUE` and `set=~KEY`."""

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.launching.change import Change
from app.plain import plain

PARAMETER, ROWS, NEXT = "set", "launch-changes", "launch-next-change"
REMOVED = "removed"


def changes_form(places: Mapping[str, str], *, of: str) -> tuple[list[Change], list[DeltaGenerator]]:
    """Show the rows; gives what they say, and a place below each for what is wrong with it.

    Args:
        places: The keys that can be completed, with the value that each has.
        of: What is launched: the rows of something else are forgotten.
    """
    if st.session_state.get(f"{ROWS}-of") != of:
        st.session_state[f"{ROWS}-of"] = of
        st.session_state[NEXT], st.session_state[ROWS] = 0, []
        for text in st.query_params.get_all(PARAMETER):
            _add(Change.read(text))
    found, slots = [], []
    for number in st.session_state[ROWS]:
        change, slot = _row(number, places)
        found.append(change)
        slots.append(slot)
    st.button("Change a value", icon=":material/add:", on_click=_add, args=(Change(),), key="add-change")
    said = [change.in_url for change in found if change.in_url]
    if said != st.query_params.get_all(PARAMETER):
        st.query_params[PARAMETER] = said
    return found, slots


def _row(number: int, places: Mapping[str, str]) -> tuple[Change, DeltaGenerator]:
    name = f"change-{number}"
    key: str | None = st.session_state.get(f"{name}-key")
    known = [*places] if key in places or not key else [key, *places]
    with st.container(horizontal=True, vertical_alignment="center"):
        key = st.selectbox("Key", known, key=f"{name}-key", index=None, accept_new_options=True, width="stretch",
                           label_visibility="collapsed", placeholder="Key, such as optimizer.lr")  # fmt: skip
        st.button("", key=f"{name}-drop", icon=":material/close:", type="tertiary", on_click=_drop, args=(number,),
                  help="Do without this change")  # fmt: skip
    removes = st.session_state.get(f"{name}-removes", False)
    now = places.get(key or "", "")
    with st.container(horizontal=True, vertical_alignment="center"):
        value = st.text_input("Value", key=f"{name}-value", live=True, label_visibility="collapsed", disabled=removes,
                              placeholder=REMOVED if removes else f"now {now}" if now else "Value",
                              width="stretch")  # fmt: skip
        st.toggle("Remove", key=f"{name}-removes", help="Take the key away instead: what remains is its default.")
    return Change(key=key or "", value=value or "", removes=removes), st.container()


def _add(change: Change) -> None:
    number = st.session_state[NEXT]
    st.session_state[NEXT] = number + 1
    st.session_state[ROWS] = [*st.session_state[ROWS], number]
    st.session_state[f"change-{number}-key"] = change.key or None
    st.session_state[f"change-{number}-value"] = change.value
    st.session_state[f"change-{number}-removes"] = change.removes


def _drop(number: int) -> None:
    st.session_state[ROWS] = [each for each in st.session_state[ROWS] if each != number]


def show_problems(slots: Sequence[DeltaGenerator], problems: Sequence[Sequence[str]]) -> None:
    """Say below each row what is wrong with it."""
    for slot, sentences in zip(slots, problems, strict=True):
        for sentence in sentences:
            slot.error(plain(sentence))
