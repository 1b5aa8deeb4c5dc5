import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.log_pages import MOST_BYTES, Page, has_line_after, page_after, page_before

texts = st.lists(st.sampled_from(["", "a", "bb", "x" * 50]), max_size=30)


def lines(page):
    return [line.text for line in page.lines]


@given(texts, st.booleans(), st.integers(1, 8))
def test_pages_from_the_end_to_the_beginning_are_the_whole_log(tmp_path_factory, log, ends, count):
    path = tmp_path_factory.mktemp("log") / "out.log"
    path.write_text("\n".join(log) + ("\n" if ends and log else ""))
    whole = path.read_text().split("\n")
    whole = whole[:-1] if not whole[-1] else whole
    page, found = page_before(path, lines=count), []
    while page.lines:
        assert len(page.lines) <= count
        found = [*lines(page), *found]
        page = page_before(path, page.start, lines=count)
        if not page.start and not page.end:
            break
    assert found == whole


@given(texts, st.integers(1, 8))
def test_pages_from_the_beginning_to_the_end_are_the_whole_log(tmp_path_factory, log, count):
    path = tmp_path_factory.mktemp("log") / "out.log"
    path.write_text("".join(f"{line}\n" for line in log))
    page, found = page_after(path, 0, lines=count), []
    while page.lines:
        found += lines(page)
        if page.end == page.size:
            break
        page = page_after(path, page.end, lines=count)
    assert found == log


def test_a_line_that_is_being_written_is_shown(tmp_path):
    path = tmp_path / "out.log"
    path.write_bytes(b"one\ntwo\nhal")
    assert lines(page_before(path, lines=2)) == ["two", "hal"]


def test_of_a_huge_log_only_its_end_is_read(tmp_path):
    path = tmp_path / "out.log"
    with path.open("wb") as file:
        file.truncate(50 << 30)  # sparse: reading it would take minutes
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    page = page_before(path)
    assert lines(page)[-1] == "last"
    assert page.end - page.start <= MOST_BYTES


def test_no_log_is_an_empty_page(tmp_path):
    assert page_before(tmp_path / "out.log") == page_after(tmp_path / "out.log", 5) == Page()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "out.log")
    with pytest.raises(OSError):
        page_before(tmp_path / "out.log", 10)
        page_after(tmp_path / "out.log", 0)


def test_places_beyond_the_file_are_its_end(tmp_path):
    path = tmp_path / "out.log"
    path.write_text("a\nb\n")
    assert page_after(path, 10**17).start == 4 and lines(page_before(path, 10**17)) == ["a", "b"]


def test_none_of_this_needs_streamlit():
    script = "import sys, app.reading.log_pages, app.reading.searches; assert 'streamlit' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_half_a_line_is_no_line_to_search_on_from(tmp_path):
    path = tmp_path / "out.log"
    assert not has_line_after(path, 0)
    path.write_text("one\ntwo")
    assert has_line_after(path, 0) and not has_line_after(path, 4) and not has_line_after(path, 99)
