"""Widgets whose values stand in the URL, so that a page that is loaded again, or a bookmark, shows the same.

Streamlit's own binding writes what an option is shown as; here a URL says what the program means, so that other pages
and people can write one.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")
Reader = Callable[[Sequence[str]], Any]  # the texts of a parameter -> the value of its widget


def in_url(
    widget: Callable[..., T], label: str, *options: Any, name: str, key: str, read: Reader, **settings: Any
) -> T:
    """Show a widget; gives its value.

    Args:
        widget: A command of Streamlit, with a label and whatever `options` it takes.
        name: The parameter of the URL. Its default is what `read` makes of no text, and is not written.
        key: Of the widget: its own among all pages.
        read: Makes a value that the widget can have of whatever the URL says.
        settings: Further arguments of the widget.
    """
    start = STARTS.get(widget)
    if start is None or start in settings or key in st.session_state:
        begin(name, key=key, read=read)
    else:
        st.session_state[_begun(key)] = read(st.query_params.get_all(name))
    if start is not None and _begun(key) in st.session_state:
        # The same at each refresh: a value that is set in the session state is told to the browser once, and is lost
        # where the browser is slower than the refreshes of a page.
        settings[start] = _still_there(st.session_state[_begun(key)], options)
    value = widget(label, *options, key=key, **settings)
    write(name, value, key=key, read=read)
    return value


def _still_there(value: Any, options: Sequence[Any]) -> Any:
    """What a widget began with, without those of its options that are there no more."""
    if not options:
        return value
    if isinstance(value, list | tuple):
        return [each for each in value if each in options[0]]
    return value if value in options[0] else None


# The argument that says what a widget begins with, of those that take any value that `read` makes.
STARTS: dict[Any, str] = {
    st.segmented_control: "default",
    st.pills: "default",
    st.multiselect: "default",
    st.text_input: "value",
    st.toggle: "value",
}


def begin(name: str, *, key: str, read: Reader) -> None:
    """Let the widget begin with what the URL says, and follow where that was changed by other means."""
    said = st.query_params.get_all(name)
    if key not in st.session_state or said != st.session_state.get(_seen(key)):
        st.session_state[key] = read(said)
        st.session_state.pop(_begun(key), None)
    elif (valid := read(_texts(now := st.session_state[key]))) != now:  # an option that is there no more
        st.session_state[key] = valid
        st.session_state.pop(_begun(key), None)
    st.session_state[_seen(key)] = said


def write(name: str, value: Any, *, key: str, read: Reader) -> None:
    """Let the URL say a value."""
    texts = [] if value == read([]) else _texts(value)
    if texts != st.query_params.get_all(name):
        if texts:
            st.query_params[name] = texts
        else:
            st.query_params.pop(name, None)
    st.session_state[_seen(key)] = texts


def text(said: Sequence[str]) -> str:
    """What is said last, else nothing."""
    return said[-1] if said else ""


def flag(said: Sequence[str]) -> bool:
    """Whether "1" is said."""
    return text(said) == "1"


def one_of(options: Sequence[str], *, default: str = "") -> Reader:
    """One of the options, else the default."""
    return lambda said: text(said) if text(said) in options else default


def some_of(options: Sequence[str]) -> Reader:
    """Those of the options that are said."""
    return lambda said: [each for each in options if each in said]


def whole(least: int, most: int, *, default: int | None = None) -> Reader:
    """A whole number in a range, else the default."""

    def read(said: Sequence[str]) -> int | None:
        digits = text(said)
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None
        return number if number is not None and least <= number <= most else default

    return read


def _texts(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["1"] if value else ["0"]
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return [] if value is None else [str(value)]


def _seen(key: str) -> str:
    return f"{key} in the URL"


def _begun(key: str) -> str:
    return f"{key} at first"
