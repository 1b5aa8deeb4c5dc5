import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.log_lines import LONGEST, Levels, clean


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"\x1b[31mred\x1b[0m text", "red text"), (b"\x1b]0;title\x07x", "x"), (b"\x1b[2K\x1b[1Gdone", "done"),
     (b"10%|#   |\r50%|##  |\r100%|####|", "100%|####|"), (b"progress\r", "progress"), (b"\xff\xfe", "\ufffd\ufffd"),
     (b"a\tb", "a    b"), (b"\x00\x07", "\ufffd\ufffd"), ("\u202eevil".encode(), "\ufffdevil"), (b"", "")],
)  # fmt: skip
def test_a_line_is_what_a_terminal_would_leave_of_it(raw, text):
    assert clean(raw) == text


@given(st.binary(max_size=300))
def test_whatever_is_in_a_line_it_is_one_printable_line(raw):
    text = clean(raw.replace(b"\n", b""))
    assert "\n" not in text and "\x1b" not in text and "\r" not in text


def test_a_line_without_end_is_cut_and_says_so():
    text = clean(b"x" * 1_000_000)
    assert text.startswith("x" * LONGEST) and text.endswith("(1000000 bytes)") and len(text) < LONGEST + 50


def levels(*texts):
    known = Levels()
    return [known.of(text) for text in texts]


def test_levels_are_those_of_whoever_wrote_the_line():
    assert levels(
        "2026-01-01 12:00:00 INFO epoch 1", "2026-01-01 12:00:00 WARNING [rank 1] slow",
        "2026-01-01 12:00:00 CRITICAL x",
        "W1125 22:00:01.123 77 torch/distributed/run.py:803] ", "[rank0]:E1125 22:00:01.123 77 torch/x.py:1] failed",
        "/a/b.py:12: UserWarning: old", "what a library printed",
    ) == ["INFO", "WARNING", "ERROR", "WARNING", "ERROR", "WARNING", "other"]  # fmt: skip


def test_a_traceback_is_an_error_to_its_last_line():
    assert levels(
        "Traceback (most recent call last):", '  File "x.py", line 1, in f', "    g()", "ValueError: no",
        "and then this", "2026-01-01 12:00:00 INFO on",
    ) == ["ERROR"] * 4 + ["other", "INFO"]  # fmt: skip
