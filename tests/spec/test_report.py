from pathlib import Path

from specdet.spec.origin import Origin, Place
from specdet.spec.problems import Problem
from specdet.spec.report import BOLD, PLAIN, RED, as_json, report

FILE = Path("/specs/my.toml")
PROBLEM = Problem(
    path="optimizer.lr",
    message='expected a number, got "fast"',
    origin=Origin(file=FILE),
    place=Place(line=12, column=6, end=12, text='lr = "fast"  # too fast'),
)


def test_a_line_for_each_where_there_is_no_terminal():
    assert report([PROBLEM, PROBLEM]).splitlines() == [str(PROBLEM)] * 2
    assert str(PROBLEM) == '/specs/my.toml:12:6: optimizer.lr: expected a number, got "fast"'


def test_the_source_with_a_caret_where_there_is_one():
    assert report([PROBLEM], excerpts=True).splitlines()[1:] == [
        '   12 | lr = "fast"  # too fast',
        "      |      ^^^^^^",
    ]


def test_colours_only_where_they_are_asked_for():
    assert "\x1b" not in report([PROBLEM], excerpts=True)
    coloured = report([PROBLEM], excerpts=True, colors=True)
    assert f"{RED}^^^^^^{PLAIN}" in coloured
    assert coloured.startswith(f"{BOLD}/specs/my.toml:12:6{PLAIN}: ")


def test_an_argument_is_its_own_source():
    problem = Problem(
        path="a", message="no", origin=Origin(argument="a=xy"), place=Place(line=1, column=3, end=5, text="a=xy")
    )
    assert report([problem], excerpts=True).splitlines() == [
        "command line: a=xy: a: no",
        "      | a=xy",
        "      |   ^^",
    ]


def test_a_line_without_end_is_cut_around_what_is_meant():
    text = "x" * 5000 + "?" + "x" * 5000
    problem = Problem(
        path="a", message="no", origin=Origin(file=FILE), place=Place(line=1, column=5001, end=5002, text=text)
    )
    _, source, carets = report([problem], excerpts=True).splitlines()
    assert len(source) < 140
    assert source[carets.index("^")] == "?"


def test_what_could_move_a_cursor_is_written_as_an_escape():
    problem = Problem(path="a\x1b[2J", message="b\nc", origin=Origin(file=Path("/x\x1b")))
    assert str(problem) == "/x\\x1b: a\\x1b[2J: b\\nc"
    place = Place(line=1, column=1, end=2, text="\x1b[2J")
    shown = report([Problem(path="a", message="b", origin=Origin(file=FILE), place=place)], excerpts=True)
    assert "\x1b" not in shown


def test_notes_follow_indented():
    note = Problem(path="optimizer.type", message="was SGD", origin=Origin(file=FILE))
    problem = Problem(path="a", message="b", notes=(note,))
    assert report([problem]).splitlines() == ["a: b", "    /specs/my.toml: optimizer.type: was SGD"]
    assert str(problem) == report([problem])


def test_json_has_what_an_editor_needs():
    assert as_json(PROBLEM) == {
        "file": "/specs/my.toml",
        "line": 12,
        "column": 6,
        "end_column": 12,
        "argument": None,
        "path": "optimizer.lr",
        "message": 'expected a number, got "fast"',
        "kind": "spec",
    }
