import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.runs.events import EventWriter
from specdet.runs.tail import LONGEST_LINE, EventTail, LineTail, parse_event


def append(path, text):
    with path.open("ab") as file:
        file.write(text)


def test_only_whole_lines_are_given_and_each_once(tmp_path):
    path = tmp_path / "out.log"
    with LineTail(path) as tail:
        assert list(tail.read()) == []
        append(path, b"one\ntw")
        assert list(tail.read()) == [b"one"]
        assert tail.rest == b"tw"
        append(path, b"o\n\nthree\n")
        assert list(tail.read()) == [b"two", b"", b"three"]
        assert list(tail.read()) == [] and tail.rest == b"" and tail.restarts == 0


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_however_it_was_written_the_lines_are_those_of_the_file(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("tail") / "out.log"
    with LineTail(path) as tail:
        found = []
        for piece in pieces:
            append(path, piece)
            found += tail.read()
        assert [*found, tail.rest] == b"".join(pieces).split(b"\n")


def test_a_log_put_aside_is_read_to_its_end_before_the_next(tmp_path):
    path = tmp_path / "out.log"
    append(path, b"a\n")
    with LineTail(path) as tail:
        assert list(tail.read()) == [b"a"]
        append(path, b"b\n")
        path.rename(tmp_path / "out.1.log")
        append(tmp_path / "out.1.log", b"c\n")
        assert list(tail.read()) == [b"b", b"c"], "the next one is not there yet"
        append(tmp_path / "out.1.log", b"d\n")
        append(path, b"e\n")
        assert list(tail.read()) == [b"d", b"e"]
        assert tail.restarts == 1


def test_a_file_cut_short_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "out.log"
    append(path, b"one\ntwo\n")
    with LineTail(path) as tail:
        list(tail.read())
        os.truncate(path, 0)
        append(path, b"new\n")
        assert list(tail.read()) == [b"new"]
        assert tail.restarts == 1


@pytest.mark.parametrize("text", [b"", b"a", b"a\n", b"a\nb\nc\n", b"a\nb\nc", b"\n\n\n", b"x" * 3_000_000 + b"\ny\n"])
@pytest.mark.parametrize("last", [0, 1, 2, 5])
def test_the_last_lines_are_those_of_the_whole(tmp_path, text, last):
    path = tmp_path / "out.log"
    append(path, text)
    *lines, rest = text.split(b"\n")
    with LineTail(path, last=last) as tail:
        assert list(tail.read()) == lines[max(0, len(lines) - last) :]
        assert tail.rest == rest


def test_what_the_writer_wrote_is_read_back(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path, attempt=3) as writer:
        writer.write("metric", {"loss": float("nan"), "lr": 0.5}, step=7, epoch=2)
    append(path, b'{"torn\n')
    with EventTail(path) as tail:
        (event,) = tail.events()
    assert (event.attempt, event.step, event.epoch, event.kind) == (3, 7, 2, "metric")
    assert event.data == {"loss": None, "lr": 0.5} and event.nonfinite == ("loss",)


@pytest.mark.parametrize(
    "line",
    [b"", b"7", b"[]", b"{}", b'{"seq":1', b"\xff", b"[" * 100_000,
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":"5","epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":true,"epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":null,"kind":"metric","step":5,"epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":5,"epoch":0,"data":[]}',
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":-5,"epoch":0,"data":{}}',
     b'{"seq":1,"attempt":1,"t":1,"kind":"metric","step":18446744073709551615,"epoch":0,"data":{}}'],
)  # fmt: skip
def test_what_is_no_event_is_passed_over(line):
    assert parse_event(line) is None


def test_a_file_without_line_ends_comes_in_pieces_that_fit_into_memory(tmp_path):
    path = tmp_path / "out.log"
    with path.open("wb") as file:
        file.truncate(3 * LONGEST_LINE)
    append(path, b"\nlast\n")
    with LineTail(path) as tail:
        lengths = [len(line) for line in tail.read()]
    assert sum(lengths) == 3 * LONGEST_LINE + len(b"last")
    assert max(lengths) < 2 * LONGEST_LINE and lengths[-1] == len(b"last")
