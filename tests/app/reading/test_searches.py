import signal
import time

import attrs
import pytest

from app.reading import searches
from app.reading.search_process import KEPT
from app.reading.searches import Found, Search, Wanted


def found_in(path, wanted, **settings):
    search = Search(path, wanted, **settings)
    deadline = time.monotonic() + 60
    while not (found := search.poll(wait=1.0)).is_over:
        assert time.monotonic() < deadline
    search.close()
    return found


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "out.log"
    path.write_text(
        "2026-01-01 12:00:00 INFO epoch 1\n2026-01-01 12:00:01 WARNING Slow\nTraceback (most recent call last):\n"
        '  File "x.py"\nValueError: slow\nlaunched\n'
    )
    return path


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [(Wanted(text="slow"), [2, 5]), (Wanted(text="slow", case=True), [5]), (Wanted(text="s.*w$", regex=True), [2, 5]),
     (Wanted(levels=("ERROR",)), [3, 4, 5]), (Wanted(text="slow", levels=("WARNING",)), [2]),
     (Wanted(text="["), []), (Wanted(text="none of them"), [])],
)  # fmt: skip
def test_lines_are_found_with_their_numbers(log, wanted, numbers):
    found = found_in(log, wanted)
    assert [number for number, _ in found.lines] == numbers
    assert (found.count, found.line, found.problem) == (len(numbers), 6, "")
    assert found.at == log.stat().st_size


def test_all_of_the_log_is_searched_and_the_last_that_are_found_are_kept(tmp_path):
    path = tmp_path / "out.log"
    path.write_text("".join(f"line {number}\n" for number in range(1, 20_001)))
    found = found_in(path, Wanted(text="line"))
    assert found.count == 20_000 and len(found.lines) == KEPT and found.lines[-1][0] == 20_000


def test_a_search_goes_on_from_where_it_ended(log):
    before = found_in(log, Wanted(text="slow"))
    with log.open("a") as file:
        file.write("slow again\n")
    found = found_in(log, Wanted(text="slow"), before=before)
    assert [number for number, _ in found.lines] == [2, 5, 7] and found.count == 3


def test_a_pattern_that_takes_for_ever_ends_by_itself(tmp_path):
    path = tmp_path / "out.log"
    path.write_text("a" * 60 + "!\n")
    found = found_in(path, Wanted(text="(a+)+$", regex=True), seconds=0.2)
    assert found.problem == searches.TOO_SLOW
    assert searches.SIGALRM == -signal.SIGALRM


def test_what_is_no_pattern_is_said_before_anything_is_searched():
    assert "no pattern" in Wanted(text="(", regex=True).problem
    assert not Wanted(text="(").problem


def test_a_search_that_is_not_wanted_any_more_leaves_no_process(log):
    search = Search(log, Wanted(text="x"))
    search.close()
    assert search._process.returncode is not None


def test_a_log_that_is_gone_breaks_the_search_off(tmp_path):
    found = found_in(tmp_path / "out.log", Wanted(text="x"))
    assert "broke off" in found.problem
    assert attrs.evolve(found, is_over=False, problem="") == Found()
