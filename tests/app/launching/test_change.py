import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.launching.change import Change


@pytest.mark.parametrize(
    ("change", "text", "in_url"),
    [
        (Change(key="optimizer.lr", value=" 3e-4 "), "optimizer.lr=3e-4", "optimizer.lr=3e-4"),
        (Change(key="hooks.ema", removes=True, value="left over"), "~hooks.ema", "~hooks.ema"),
        (Change(key="optimizer.lr"), "", "optimizer.lr"),
        (Change(value="3"), "", ""),
        (Change(key="name", value='""'), 'name=""', 'name=""'),
    ],
)
def test_a_row_is_an_argument_once_it_is_filled_in(change, text, in_url):
    assert (change.text, change.in_url) == (text, in_url)


words = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=12)


@given(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), min_size=1, max_size=3), words, st.booleans())
def test_what_the_url_keeps_gives_the_same_row(keys, value, removes):
    change = Change(key=".".join(keys), value="" if removes else value.strip(), removes=removes)
    assert Change.read(change.in_url) == change


@given(words)
def test_whatever_a_url_says_can_be_read_and_said_again(text):
    change = Change.read(text)
    assert Change.read(change.in_url).in_url == change.in_url
