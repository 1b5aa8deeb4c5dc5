import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from specdet.spec.manual.page import Facts, Heading, Key, Keys, Paragraph, as_markdown, as_text

KEY = Key(name="lr", type="a number, 0 <= x < 1", default="0.5", required=False, meaning="How fast.")
WORD = st.text("abcdefg|*~<\\", min_size=1, max_size=8).filter(lambda word: not word.startswith("\\"))
TEXT = st.lists(WORD, min_size=1, max_size=30).map(" ".join)


def parsed(markdown):
    """The texts of headings, paragraphs, items and cells, as a reader sees them."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown):
        if token.type == "inline":
            assert {child.type for child in token.children} <= {
                "text",
                "code_inline",
                "softbreak",
                "em_open",
                "em_close",
            }
            found.append("".join(child.content for child in token.children))
    return found


def test_a_page_on_a_terminal():
    page = [Heading(1, "Title"), Paragraph("Some text."), Facts([("a", "one"), ("long", "two")]), Keys([KEY])]
    assert as_text(page) == (
        "Title\n=====\n\nSome text.\n\n  a     one\n  long  two\n\n"
        "  lr = 0.5\n      How fast.\n      (a number, 0 <= x < 1)\n"
    )


@pytest.mark.parametrize(
    ("default", "required", "lines"),
    [
        ("", True, ["  lr", "      (required; a number, 0 <= x < 1)"]),
        ("", False, ["  lr", "      (a number, 0 <= x < 1)"]),
    ],
)
def test_keys_without_a_default(default, required, lines):
    key = Key(name="lr", type=KEY.type, default=default, required=required, meaning="How fast.")
    first, _, last = as_text([Keys([key])]).splitlines()
    assert [first, last] == lines


@given(TEXT, TEXT, st.integers(40, 100))
def test_no_line_is_wider_than_the_terminal(text, other, width):
    page = [
        Paragraph(text),
        Facts([("name", other)]),
        Keys([Key(name="k", type=text, default="", required=False, meaning=other)]),
    ]
    lines = as_text(page, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()).startswith(text)


@given(TEXT, TEXT)
def test_markdown_shows_every_sign_as_it_is(text, other):
    key = Key(name="a.b", type=text, default='"x|y"', required=False, meaning=other)
    page = [Heading(1, text), Paragraph(other), Facts([(text, other)]), Keys([key])]
    header = ["key", "type", "default", "meaning"]
    assert parsed(as_markdown(page)) == [text, other, f"{text}: {other}", *header, "a.b", text, '"x|y"', other]


def test_code_stays_code():
    assert '`{ ref = "a*b" }` or \\*' in as_markdown([Paragraph('`{ ref = "a*b" }` or *')])


def test_a_required_key_says_so_where_its_default_would_be():
    key = Key(name="lr", type="a number", default="", required=True, meaning="How fast.")
    assert "| `lr` | a number | *required* | How fast. |" in as_markdown([Keys([key])])
