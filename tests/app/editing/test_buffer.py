from hypothesis import given
from hypothesis import strategies as st

from app.editing.buffer import MOST_STATES, MOST_TEXT, PAUSE, Buffer, kept, with_line_ends_of
from specdet.spec.editing.edit import SpecFile

LINES = st.lists(st.text("ab#= ", max_size=4), max_size=8)


def buffer(text: str) -> Buffer:
    return Buffer.of(SpecFile(path=SpecFile.new("x.toml", "").path, text=text, digest="0" * 64))


def test_each_step_is_undone_and_redone():
    start = buffer("a = 1\n")
    two = start.typed("a = 2\n", at=0.0)
    three = two.typed("a = 3\n", at=10.0)
    assert [three.undone().text, three.undone().undone().text] == ["a = 2\n", "a = 1\n"]
    assert three.undone().undone().redone().redone().text == "a = 3\n"
    assert not three.undone().undone().changed
    assert start.undone() is start


def test_what_is_typed_without_a_pause_is_undone_at_once_but_not_with_what_came_before():
    start = buffer("a = 1\n").typed("a = 12\n", at=0.0).typed("a = 123\n", at=PAUSE / 2)
    assert start.undone().text == "a = 1\n"
    other = start.edited(SpecFile.new("x.toml", "b = 1\n"), by="b", at=PAUSE / 2)
    assert other.undone().text == "a = 123\n"


def test_a_step_after_an_undo_forgets_what_was_undone():
    assert not buffer("a\n").typed("b\n", at=0.0).undone().typed("c\n", at=10.0).future


@given(LINES, LINES, st.booleans())
def test_lines_keep_the_ends_that_they_had(old, new, mixed):
    before = "".join(line + ("\n" if mixed and at % 2 else "\r\n") for at, line in enumerate(old))
    text = "\n".join(new)
    found = with_line_ends_of(before, text)
    assert found.replace("\r\n", "\n") == text
    assert with_line_ends_of(before, before.replace("\r\n", "\n")) == before


def test_a_file_of_another_system_differs_in_the_line_that_was_typed_alone():
    found = buffer("a = 1\r\nb = 2\r\n").typed("a = 1\nb = 3\n", at=0.0)
    assert found.text == "a = 1\r\nb = 3\r\n"


@given(st.lists(st.integers(0, 12_000_000), max_size=6))
def test_texts_to_undo_to_are_the_last_that_there_is_room_for(sizes):
    texts = tuple("x" * size for size in sizes)
    left = kept(texts)
    assert left == texts[len(texts) - len(left) :]
    assert bool(left) == bool(texts)
    assert len(left) <= 1 or sum(map(len, left)) <= MOST_TEXT
    more = texts[len(texts) - len(left) - 1 :]
    assert left == texts or sum(map(len, more)) > MOST_TEXT


def test_no_more_than_so_many_steps_are_kept():
    assert kept(tuple(map(str, range(MOST_STATES + 5)))) == tuple(map(str, range(5, MOST_STATES + 5)))
