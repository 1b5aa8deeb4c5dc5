import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.plain import plain

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
NASTY = [
    "![x](http://evil.example/x.png)",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    ":red[alarm] :material/home: $x^2$",
    "# a title\n- a list\n1. another",
    "**bold** _under_ `code` ~~gone~~ | a | table |",
    "https://evil.example and www.evil.example",
    "&lt;b&gt; &copy;",
    "\\* \\",
]


def shown(markdown: str) -> str:
    """What a reader sees; fails where there is anything but text."""
    text = []
    for block in MARKDOWN.parse(markdown):
        assert block.type in ("paragraph_open", "inline", "paragraph_close"), block
        for token in block.children or ():
            assert token.type in ("text", "text_special"), token
            text.append(token.content)
    return "".join(text)


@pytest.mark.parametrize("text", NASTY)
def test_markdown_shows_the_text_itself(text):
    assert shown(plain(text)) == " ".join(text.split())


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_text(text):
    expected = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in " ".join(text.split()))
    assert shown(plain(text)) == expected


def test_nothing_is_left_for_what_streamlit_adds_to_markdown():
    escaped = plain(":red[x] :material/home: $x$ :smile: :100:")
    assert not re.findall(r"(?<!\\)(:\S|[$\[\]])", escaped)


@pytest.mark.parametrize("text", ["weight_decay", "optimizer.lr: expected a number, got 1.5", "a-b (c) d! 50% @x", "7"])
def test_what_means_nothing_to_markdown_stays_as_it_is(text):
    assert plain(text) == text


@pytest.mark.parametrize("text", ["1. one", "2) two", "12. x", "- x", "+ x", "# x", "--- ", "===", "_x_", "a_ b_c _d"])
def test_a_line_begins_nothing(text):
    assert shown(plain(text)) == text.strip()
