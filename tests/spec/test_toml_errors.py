r"""Text that is not TOML gives one problem, at the line of the mistake, and never another exception.

The kinds are those of the public toml-test suite; the snippets are our own. Each says on which line a reader finds the
mistake. What is only noticed later, such as a text that nobody closes, is allowed to be reported where the file ends.
"""

import re
from pathlib import Path

import pytest
import tomli

from specdet import load
from specdet.spec import Problem, SpecError
from specdet.spec.compose import compose

END = 0  # of the file: where a thing that is never closed is noticed

SNIPPETS: dict[str, list[tuple[int, str]]] = {
    "escape": [
        (1, r'a = "C:\quick"'),
        (1, r'a = "\u12"'),
        (1, r'a = "\u12G4"'),
        (1, r'a = "\U00110000"'),
        (1, r'a = "\uD800"'),
        (1, r'a = "it\'s"'),
        (1, r'a = "\ "'),
        (1, r'a = "\u{41}"'),
        (1, r'"\k" = 1'),
        (2, 'seed = 1\na = """x\\qy"""'),
        (3, 'a = """one\ntwo\nthree \\z"""'),
        (2, 'a = """one \\\ntwo \\ three"""'),
    ],
    "text": [
        (1, 'a = "one'),
        (2, 'seed = 1\na = "one\nb = 2'),
        (END, "a = 'one\nb = 2"),
        (END, 'a = """one\ntwo\n'),
        (END, "a = '''one\ntwo\n"),
        (END, 'a = """one"" \n'),
        (1, 'a = "one" two'),
        (1, "a = 'it's'"),
        (1, 'a = """one""""""'),
        (1, "a = \u201ccurly\u201d"),
        (1, "a = bare"),
        (1, 'a = "one" "two"'),
    ],
    "control character": [
        (1, 'a = "x\x00y"'),
        (1, 'a = "x\x1fy"'),
        (1, 'a = "x\x7fy"'),
        (1, "a = 'x\x01y'"),
        (2, 'a = """x\n\x08y"""'),
        (2, "a = '''x\n\x0by'''"),
        (2, "a = 1\n# \x0c comment"),
        (1, "a = 1 # \x7f"),
        (1, "a = 1\x0b"),
        (1, "a\u00a0= 1"),
        (2, "a = 1\n\u200bb = 2"),
        (1, "a = 1 # one\rb = 2"),
        (1, "a = 1\rb = 2"),
        (1, 'a = "one\rtwo"'),
    ],
    "key given twice": [
        (2, "a = 1\na = 2"),
        (2, "a.b = 1\na.b = 2"),
        (2, '"a" = 1\na = 2'),
        (2, "'a' = 1\n\"\\u0061\" = 2"),
        (3, "[t]\na = 1\na = 2"),
        (1, "a = { b = 1, b = 2 }"),
        (1, "a = { b.c = 1, b = 2 }"),
        (2, "a = 1\na.b = 2"),
        (2, "a.b = 1\na = 2"),
    ],
    "table given twice": [
        (4, "[t]\nx = 1\n[u]\n[t]\ny = 2"),
        (2, "[a.b]\n[a.b]"),
        (2, "a = 1\n[a]"),
        (2, "a = 1\n[a.b]"),
        (3, "[a]\nb = 1\n[a.b]"),
        (2, "[[a]]\n[a]"),
        (2, "[a]\n[[a]]"),
        (2, "a = 1\n[[a]]"),
        (3, "[[a.b]]\n[a]\nb = 1"),
    ],
    "dotted keys reach into a table": [
        (2, "a.b = 1\n[a]"),
        (2, "a.b.c = 1\n[a.b]"),
        (3, "[a]\nb.c = 1\n[a.b]"),
        (4, "[a.b.c]\nz = 1\n[a]\nb.c.t = 2"),
        (3, "[a.b]\n[a]\nb.c = 1"),
        (3, "[a]\nb = 1\nb.c = 2"),
        (3, "[[a.b]]\n[a]\nb.c = 1"),
    ],
    "inline table or array extended": [
        (2, "a = { b = 1 }\na.c = 2"),
        (2, "a = { b = 1 }\n[a]"),
        (2, "a = { b = 1 }\n[a.c]"),
        (2, "a = {}\n[[a]]"),
        (2, "a.b = {}\na.b.c = 1"),
        (3, "[t]\na = { b = { c = 1 } }\n[t.a.b]"),
        (1, "a = { b = {}, b.c = 1 }"),
        (2, "a = []\n[[a]]"),
        (2, "a = [{ b = 1 }]\n[[a]]"),
        (2, "a = [{ b = 1 }]\n[a.c]"),
    ],
    "inline table": [
        (1, "a = { b = 1,, c = 2 }"),
        (1, "a = { , }"),
        (1, "a = { b = 1 c = 2 }"),
        (1, "a = { b }"),
        (1, "a = { b = }"),
        (1, "a = { b = 1 ]"),
        (1, "a = { b: 1 }"),
        (1, "a = { b = 1 } }"),
        (END, "a = { b = 1"),
        (END, "a = {"),
    ],
    "array": [
        (1, "a = [1 2]"),
        (1, "a = [1,,2]"),
        (1, "a = [,1]"),
        (1, "a = [1}"),
        (1, "a = [1]]"),
        (1, "a = ]"),
        (1, "a = [b = 1]"),
        (3, "a = [1,\n  2\nb = 3"),
        (2, "a = [\n  one,\n]"),
        (END, "a = [1, 2"),
        (END, "a = [[1, 2]"),
    ],
    "key": [
        (1, "= 1"),
        (1, "a"),
        (1, "a 1"),
        (1, "a =\nb = 2"),
        (1, "a = 1 b = 2"),
        (1, "a = 1; b = 2"),
        (1, "a..b = 1"),
        (1, ".a = 1"),
        (1, "a. = 1"),
        (1, '"a = 1'),
        (1, "a b = 1"),
        (1, "gr\u00f6\u00dfe = 1"),
        (1, "a! = 1"),
        (1, '"""a""" = 1'),
        (1, "a: 1"),
        (2, "a = 1\n// a comment of another language"),
    ],
    "table header": [
        (1, "["),
        (1, "[]"),
        (1, "[a"),
        (1, "[a."),
        (1, "[a.]"),
        (1, "[.a]"),
        (1, "[a b]"),
        (1, "[a=1]"),
        (1, "[a]]"),
        (1, "[[a]"),
        (1, "[ [a] ]"),
        (1, "[a] b = 1"),
        (1, "[a\n]"),
        (2, "[a] # fine\n[b] c"),
        (2, "[a]\n[hooks.check point]"),
    ],
    "whole number": [
        (1, "a = 01"),
        (1, "a = -01"),
        (1, "a = 1__0"),
        (1, "a = _1"),
        (1, "a = 1_"),
        (1, "a = ++1"),
        (1, "a = 0x"),
        (1, "a = 0xg"),
        (1, "a = 0X1F"),
        (1, "a = -0x1"),
        (1, "a = 0b2"),
        (1, "a = 0o8"),
        (1, "a = 0x_1"),
        (1, "a = 1,5"),
        (1, "a = 12px"),
        (1, "a = \u22121"),
        (1, "a = \u0663"),
        (2, "seed = 1\na = " + "1" * 5000),
    ],
    "number": [
        (1, "a = 1."),
        (1, "a = .5"),
        (1, "a = 1.e5"),
        (1, "a = 1e"),
        (1, "a = 1e+"),
        (1, "a = 1e5.5"),
        (1, "a = 1_.5"),
        (1, "a = 1._5"),
        (1, "a = 1e_5"),
        (1, "a = 01.5"),
        (1, "a = 1.5.5"),
        (1, "a = NaN"),
        (1, "a = Inf"),
        (1, "a = infinity"),
        (2, "[optimizer]\nlr = 1e-3f"),
    ],
    "true or false": [
        (1, "a = True"),
        (1, "a = FALSE"),
        (1, "a = tru"),
        (1, "a = truee"),
        (1, "a = yes"),
        (1, "a = null"),
        (2, "[x]\na = None"),
    ],
    "date and time": [
        (1, "a = 2024-13-01"),
        (1, "a = 2024-00-01"),
        (1, "a = 2023-02-29"),
        (1, "a = 2024-1-01"),
        (1, "a = 24-01-01"),
        (1, "a = 0000-01-01"),
        (1, "a = 2024-01-01T"),
        (1, "a = 2024/01/01"),
        (1, "a = 2024-01-01T12:00:00+25:00"),
        (1, "a = 2024-01-01T12:00:00."),
        (1, "a = 2024-01-01  12:00:00"),
        (1, "a = 24:00:00"),
        (1, "a = 12:60:00"),
        (1, "a = 12:00:61"),
        (1, "a = 1:00:00"),
        (1, "a = 12:00:00Z"),
    ],
}  # fmt: skip
CASES = [(kind, line, text) for kind, snippets in SNIPPETS.items() for line, text in snippets]

BYTES: dict[str, tuple[int, bytes]] = {
    "Latin-1": (2, b"seed = 1\nname = 'caf\xe9'\n"),
    "a byte that never begins a character": (1, b"a = 'x\xffy'"),
    "a character cut off by the end": (3, b"seed = 1\n\nname = '\xe2\x82"),
    "a character in more bytes than it needs": (1, b"a = '\xc0\xaf'"),
    "half of a surrogate pair": (1, b"a = '\xed\xa0\x80'"),
    "beyond Unicode": (1, b"a = '\xf4\x90\x80\x80'"),
    "in a comment": (2, b"a = 1\n# \x80\n"),
    "UTF-16, little end first": (1, "\ufeffseed = 1\n".encode("utf-16-le")),
    "UTF-16, big end first": (1, "\ufeffseed = 1\n".encode("utf-16-be")),
    "UTF-16 without a mark": (1, "seed = 1\n".encode("utf-16-le")),
    "byte order mark twice": (1, b"\xef\xbb\xbf\xef\xbb\xbfseed = 1\n"),
    "byte order mark on the second line": (2, b"seed = 1\n\xef\xbb\xbfname = 'x'\n"),
}


def the_problem(path: Path) -> Problem:
    with pytest.raises(SpecError) as caught:
        load(path)
    (problem,) = caught.value.problems
    return problem


def place(path: Path, problem: Problem) -> tuple[int, int]:
    """Line and column that the text begins with."""
    match = re.match(re.escape(str(path)) + r":(\d+):(\d+): \S", str(problem))
    assert match, problem
    return int(match[1]), int(match[2])


@pytest.mark.parametrize(("kind", "line", "text"), CASES, ids=[f"{kind}: {text[:40]!r}" for kind, _, text in CASES])
def test_a_syntax_error_is_one_problem_at_its_line(kind, line, text, tmp_path):
    with pytest.raises(ValueError):  # the verdict of tomli is the reference; of 5000 digits it raises no subclass
        tomli.loads(text)
    path = tmp_path / "spec.toml"
    path.write_bytes(text.encode())
    said, column = place(path, the_problem(path))
    lines = text.split("\n")
    assert said == (line or len(lines))
    assert 1 <= column <= len(lines[said - 1]) + 1


@pytest.mark.parametrize(("line", "data"), BYTES.values(), ids=BYTES)
def test_what_is_not_utf_8_is_one_problem_at_its_line(line, data, tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(data)
    assert place(path, the_problem(path))[0] == line


def test_the_file_that_is_named_is_the_one_with_the_mistake(tmp_path):
    base = tmp_path / "base.toml"
    base.write_text("seed = 1\nname = \n")
    path = tmp_path / "spec.toml"
    path.write_text('extends = ["base.toml"]\n')
    assert place(base, the_problem(path))[0] == 2


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("[a.b]\n[a]\nc = 1", {"a": {"b": {}, "c": 1}}),
        ("[fruit]\napple.taste = 'sweet'\n[fruit.apple.skin]", {"fruit": {"apple": {"taste": "sweet", "skin": {}}}}),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]", {"a": [{"b": {}}, {"b": {}}]}),
        ("a.b = 1\na.c = 2", {"a": {"b": 1, "c": 2}}),
        ('"" = 1\n1.2 = 3', {"": 1, "1": {"2": 3}}),
        ("a = [\n  1, # one\n  2,\n]", {"a": [1, 2]}),
        ("a = +1_0\nb = 0xf_f", {"a": 10, "b": 255}),
        ('a = """\\\n   one""""', {"a": 'one"'}),
        ("a = 'C:\\quick'\t# \ttabs\r\nb = 1\r\n", {"a": "C:\\quick", "b": 1}),
        ("\ufeffa = 1", {"a": 1}),
        ('a = { b = [\n1,\n], c = """x\n} """ }', {"a": {"b": [1], "c": "x\n} "}}),
    ],
)
def test_what_only_looks_wrong_is_read(text, table, tmp_path):
    path = tmp_path / "spec.toml"
    path.write_bytes(text.encode())
    assert compose(path).tree == table
