import copy
import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specdet.spec import SpecError
from specdet.spec.compose import shipped_specs
from specdet.spec.editing.edit import SpecFile
from specdet.spec.paths import dotted, undotted


def spec(text: str) -> SpecFile:
    return SpecFile.new("spec.toml", text)


def refused(change, *arguments) -> str:
    with pytest.raises(SpecError) as caught:
        change(*arguments)
    (problem,) = caught.value.problems
    return str(problem)


# Values in their place: (text, path, value, text after)
REPLACED = {
    "a comment stays": ("lr = 1 # why\n", "lr", 2, "lr = 2 # why\n"),
    "a comment stays in its column": ("a = 10    # why\n", "a", 1000, "a = 1000  # why\n"),
    "a comment is pushed where it must be": ("a = 1  # why\n", "a", 1000, "a = 1000 # why\n"),
    "spaces stay": ("a   =   1\n\n\nb=2\n", "b", 3, "a   =   1\n\n\nb=3\n"),
    "single quotes stay": ("a = 'x'\n", "a", "y", "a = 'y'\n"),
    "single quotes that cannot hold it go": ("a = 'x'\n", "a", "it's", 'a = "it\'s"\n'),
    "three quotes stay": ('a = """\nx\ny"""\n', "a", 'p"q\nr', 'a = """\np\\"q\nr"""\n'),
    "three single quotes stay": ("a = '''x\ny'''\n", "a", "p\\q\nr", "a = '''p\\q\nr'''\n"),
    "three quotes become one": ('a = """x\ny"""\n', "a", "z", 'a = "z"\n'),
    "an exponent stays": ("lr = 1e-3\n", "lr", 0.0005, "lr = 5e-4\n"),
    "an exponent goes where it is no shorter": ("lr = 1e-3\n", "lr", 0.02, "lr = 0.02\n"),
    "a number becomes a text": ("a = 1\n", "a", "x\ty", 'a = "x\\ty"\n'),
    "control characters are escaped": (
        "a = 1\n",
        "a",
        "\x7f\x00\u200b\U000e0001",
        'a = "\\u007F\\u0000\\u200B\\U000E0001"\n',
    ),
    "an item of an array": ("a = [ 1,2 ] # c\n", "a.1", 5, "a = [ 1,5 ] # c\n"),
    "an array": ("a = [1, 2]\n", "a", [1, 2, 3], "a = [1, 2, 3]\n"),
    "a broken array stays broken": ("a = [\n  1,\n  2\n]\n", "a", [3], "a = [\n  3,\n]\n"),
    "an array with comments": ("a = [\n  1, # one\n  2, # two\n]\n", "a", [1, 3], "a = [\n  1, # one\n  3, # two\n]\n"),
    "a shorter array": ("a = [\n  1, # one\n  2, # two\n]\n", "a", [2], "a = [\n  2, # two\n]\n"),
    "a longer array": (
        "a = [\n  1, # one\n  2  # two\n]\n",
        "a",
        [1, 2, 3],
        "a = [\n  1, # one\n  2,  # two\n  3\n]\n",
    ),
    "a longer array with a last comma": ("a = [\n  1, # one\n]\n", "a", [1, 3], "a = [\n  1, # one\n  3,\n]\n"),
    "a long array is broken": (
        "a = 1\n",
        "a",
        ["x" * 60, "y" * 60],
        f'a = [\n    "{"x" * 60}",\n    "{"y" * 60}",\n]\n',
    ),
    "a value in braces": ("a = { b = 1, c = 'x' }\n", "a.c", "y", "a = { b = 1, c = 'y' }\n"),
    "braces": ("a = {b=1, c='x'}\n", "a", {"b": 2, "c": "x"}, "a = {b=2, c='x'}\n"),
    "a dotted key": ("a.b = 1\na.c = 2\n", "a.c", 3, "a.b = 1\na.c = 3\n"),
    "a table, part by part": (
        "[a]\n# of x\nx = 1 # x\ny = 2\n\n[b]\nz = 1\n",
        "a",
        {"x": 3, "w": 4},
        "[a]\n# of x\nx = 3 # x\nw = 4\n\n[b]\nz = 1\n",
    ),
    "a table in another order": (
        "[h.a]\nx = 1\n\n[h.b]\ny = 2\n\n[z]\n",
        "h",
        {"b": {"y": 2}, "a": {"x": 1}},
        "[h.b]\ny = 2\n\n[h.a]\nx = 1\n\n[z]\n",
    ),
    "a table becomes a value": ("[a]\nb = 1\n\n[a.c]\nd = 2\n", "a.c", 3, "[a]\nb = 1\nc = 3\n"),
    "a value becomes a table": ("[a]\nb = 1 # b\nc = 2\n", "a.b", {"x": 1}, "[a]\nb = { x = 1 } # b\nc = 2\n"),
    "an item of an array of tables": ("[[a]]\nb = 1\n[[a]]\nb = 2\n", "a.1.b", 3, "[[a]]\nb = 1\n[[a]]\nb = 3\n"),
    "a whole item of an array of tables": ("[[a]]\nb = 1 # b\n", "a.0", {"c": 2, "b": 1}, "[[a]]\nc = 2\nb = 1\n"),
}

# New values, where a person would write them
ADDED = {
    "in an empty file": ("", "a", 1, "a = 1\n"),
    "a table in an empty file": ("", "a.b", 1, "[a]\nb = 1\n"),
    "below the comment of the file": ("# file\n[a]\nb = 1\n", "c", 1, "# file\nc = 1\n\n[a]\nb = 1\n"),
    "above the comment of a table": ("\n# of a\n[a]\nb = 1\n", "c", 1, "\nc = 1\n\n# of a\n[a]\nb = 1\n"),
    "at the end of its table": ("[a]\nb = 1 # b\n\n[c]\n", "a.d", 1, "[a]\nb = 1 # b\nd = 1\n\n[c]\n"),
    "in an empty table": ("[a] # a\n[c]\n", "a.d", 1, "[a] # a\nd = 1\n[c]\n"),
    "with the indent and sign of its neighbour": ("[a]\n  b=1\n", "a.d", 1, "[a]\n  b=1\n  d=1\n"),
    "without a last newline": ("[a]\nb = 1", "a.d", 1, "[a]\nb = 1\nd = 1"),
    "beside other dotted keys": ("[a]\nx.p = 1\ny = 1\n", "a.x.q", 2, "[a]\nx.p = 1\nx.q = 2\ny = 1\n"),
    "beside dotted keys of the same kind": ("[a]\nx.p = 1\n", "a.y.q", 2, "[a]\nx.p = 1\ny.q = 2\n"),
    "beside other headers": (
        "[a]\nb = 1\n\n[a.x]\np = 1\n\n[c]\n",
        "a.y.q",
        2,
        "[a]\nb = 1\n\n[a.x]\np = 1\n\n[a.y]\nq = 2\n\n[c]\n",
    ),
    "a table beside other headers": (
        "[h.a]\nx = 1\n",
        "h.b",
        {"y": 2, "z": {"w": 1}},
        "[h.a]\nx = 1\n\n[h.b]\ny = 2\nz = { w = 1 }\n",
    ),
    "with headers as deep as the others": ("[h.a]\nx = 1\n", "h.b.y.z", 2, "[h.a]\nx = 1\n\n[h.b]\ny.z = 2\n"),
    "in the style of a file without blank lines": ("[a]\nx = 1\n[b]\n", "c.d", 1, "[a]\nx = 1\n[b]\n[c]\nd = 1\n"),
    "above the tables in it": (
        "[z]\n\n# of b\n[a.b]\nx = 1\n",
        "a.c",
        1,
        "[z]\n\n[a]\nc = 1\n\n# of b\n[a.b]\nx = 1\n",
    ),
    "in braces": ("a = { b = 1 }\n", "a.c", 2, "a = { b = 1, c = 2 }\n"),
    "in empty braces": ("a = {}\n", "a.c.d", 2, "a = { c.d = 2 }\n"),
    "behind the last item": ("a = [1, 2]\n", "a.2", 3, "a = [1, 2, 3]\n"),
    "behind a last comma": ("a = [1,]\n", "a.1", 3, "a = [1, 3,]\n"),
    "in an empty array": ("a = []\n", "a.0", 3, "a = [3]\n"),
    "an item of an array of tables": (
        "[[a]]\nb = 1\n\n[c]\n",
        "a.1",
        {"b": 2},
        "[[a]]\nb = 1\n\n[[a]]\nb = 2\n\n[c]\n",
    ),
    "in a table of an array": (
        "[[a]]\nb = 1\n\n[[a]]\nb = 2\n",
        "a.0.c.d",
        3,
        "[[a]]\nb = 1\nc.d = 3\n\n[[a]]\nb = 2\n",
    ),
    "with quotes where a key needs them": ("[a]\n", "a.'b.c'", 1, '[a]\n"b.c" = 1\n'),
    "a long table gets a header": ("[a]\nb = 1\n", "a.c", {"x": "y" * 60}, f'[a]\nb = 1\n\n[a.c]\nx = "{"y" * 60}"\n'),
    "a short one does not": ("[a]\nb = 1\n", "a.c", {"x": "y"}, '[a]\nb = 1\nc = { x = "y" }\n'),
    "tables in a table": ("", "h", {"a": {"x": 1}, "b": {"y": 2}}, "[h.a]\nx = 1\n\n[h.b]\ny = 2\n"),
}

REMOVED = {
    "a pair with its comment": ("a = 1 # a\n# b\nb = 2\n", "a", "# b\nb = 2\n"),
    "and the blank line that parted it": ("a = 1\n\nb = 2\n\nc = 3\n", "b", "a = 1\n\nc = 3\n"),
    "the last pair of a table": ("[a]\nb = 1\n", "a.b", "[a]\n"),
    "the last dotted key": ("[a]\nb.c = 1\nd = 2\n", "a.b.c", "[a]\nd = 2\n"),
    "the last table of an implied one": ("x = 1\n\n[h.a]\ny = 1\n", "h.a", "x = 1\n"),
    "a table with all below it": ("[a]\nb = 1\n\n[a.c]\nd = 1\n\n[e]\n", "a", "[e]\n"),
    "a table, not the comment of the next": ("[a]\nb = 1\n# c = 2\n\n# of e\n[e]\n", "a", "# of e\n[e]\n"),
    "a table, not what its author set apart": ("[z]\n\n[a]\nb = 1\n\n# the end\n", "a", "[z]\n\n# the end\n"),
    "the first of braces": ("a = { b = 1, c = 2 }\n", "a.b", "a = { c = 2 }\n"),
    "the last of braces": ("a = { b = 1, c = 2 }\n", "a.c", "a = { b = 1 }\n"),
    "the only one in braces": ("a = { b = 1 }\n", "a.b", "a = {}\n"),
    "several of braces": ("a = { b.x = 1, c = 2, b.y = 3 }\n", "a.b", "a = { c = 2 }\n"),
    "the first item": ("a = [1, 2, 3]\n", "a.0", "a = [2, 3]\n"),
    "the last item": ("a = [1, 2, 3]\n", "a.2", "a = [1, 2]\n"),
    "an item on a line of its own": ("a = [\n  1, # one\n  2 # two\n]\n", "a.0", "a = [\n  2 # two\n]\n"),
    "the last item on a line of its own": ("a = [\n  1, # one\n  2 # two\n]\n", "a.1", "a = [\n  1 # one\n]\n"),
    "an item of an array of tables": ("[[a]]\nb = 1\n\n[[a]]\nb = 2\n", "a.0", "[[a]]\nb = 2\n"),
    "scattered parts": ("[a.x]\n[b]\nc = 1\n[a.y]\n", "a", "[b]\nc = 1\n"),
    "without a last newline": ("a = 1\nb = 2", "b", "a = 1"),
    "everything": ("a = 1\n", "a", ""),
}


RENAMED = {
    "a key": ("a.b = 1 # c\n", "a.b", "x y", 'a."x y" = 1 # c\n'),
    "a table, wherever it is named": ("[a.b]\nx = 1\n[c]\n[a.b.d]\n", "a.b", "z", "[a.z]\nx = 1\n[c]\n[a.z.d]\n"),
    "a dotted part": ("a.b.c = 1\na.b.d = 2\n", "a.b", "z", "a.z.c = 1\na.z.d = 2\n"),
    "in braces": ("a = { b = 1 }\n", "a.b", "c", "a = { c = 1 }\n"),
    "an array of tables": ("[[a]]\n[a.b]\n[[a]]\n", "a", "c", "[[c]]\n[c.b]\n[[c]]\n"),
    "in one table of an array": ("[[a]]\n[a.b]\n[[a]]\n[a.b]\n", "a.1.b", "c", "[[a]]\n[a.b]\n[[a]]\n[a.c]\n"),
    "quoted keys": ("[a.'b c']\n", "a.'b c'", "d", "[a.d]\n"),
    "to the same": ("a = 1\n", "a", "a", "a = 1\n"),
}

MOVED = {
    "a pair as it was written": (
        "[a]\nx = 1e-4  # why\n\n[b]\ny = 2\n",
        "a.x",
        "b.z",
        "[a]\n\n[b]\ny = 2\nz = 1e-4  # why\n",
    ),
    "a broken array": ("[a]\nx = [\n  1, # one\n]\n[b]\n", "a.x", "b.x", "[a]\n[b]\nx = [\n  1, # one\n]\n"),
    "to a new table": ("a = 1 # a\n", "a", "b.c", "[b]\nc = 1 # a\n"),
    "into braces": ("a = 1\nb = { c = 2 }\n", "a", "b.d", "b = { c = 2, d = 1 }\n"),
    "a table, in its place": ("[a]\nx = 1 # x\n\n[a.b]\n\n[c]\n", "a", "c.d", "[c.d]\nx = 1 # x\n\n[c.d.b]\n\n[c]\n"),
}


def cases(*tables):
    return [pytest.param(*case, id=name) for table in tables for name, case in table.items()]


@pytest.mark.parametrize(("text", "path", "value", "expected"), cases(REPLACED, ADDED))
def test_set_writes_what_a_person_would(text, path, value, expected):
    assert spec(text).set(undotted(path), value).text == expected


@pytest.mark.parametrize(("text", "path", "expected"), cases(REMOVED))
def test_remove_takes_what_a_person_would(text, path, expected):
    assert spec(text).remove(undotted(path)).text == expected


@pytest.mark.parametrize(("text", "path", "key", "expected"), cases(RENAMED))
def test_rename_changes_the_key_alone(text, path, key, expected):
    assert spec(text).rename(undotted(path), key).text == expected


@pytest.mark.parametrize(("text", "path", "to", "expected"), cases(MOVED))
def test_move_takes_the_comment_along(text, path, to, expected):
    assert spec(text).move(undotted(path), undotted(to)).text == expected


@pytest.mark.parametrize("text", ["a = 0x10\n", "a = 1_6\n", "a = 16 # c\n", "[[a]]\n", "a.b = 1\n"])
def test_setting_what_is_there_changes_nothing(text):
    file = spec(text)
    assert file.set(("a",), file.get(("a",))) is file


def test_types_count():
    assert spec("a = 1\n").set(("a",), 1.0).text == "a = 1.0\n"
    assert spec("a = 1\n").set(("a",), True).text == "a = true\n"
    assert spec("a = [1, 0.0]\n").set(("a",), [1.0, -0.0]).text == "a = [1.0, -0.0]\n"


def test_each_edit_gives_a_new_file_and_the_old_one_is_the_way_back():
    first = spec("a = 1\n")
    second = first.set(("a",), 2)
    assert (first.text, second.text) == ("a = 1\n", "a = 2\n")
    first.tree["a"] = 3
    assert first.get(("a",)) == 1


@pytest.mark.parametrize("path", ["b", "a.b", "x.0", "x.01", "x.9", "y.z"])
def test_what_is_not_there_is_none(path):
    assert spec("a = 1\nx = [{ y = 1 }]\n").get(undotted(path)) == ({"y": 1} if path == "x.0" else None)


def test_the_ends_of_lines_stay():
    file = spec('[a]\r\nb = 1\r\nc = """\r\nx\r\ny"""\r\n')
    assert file.set(("a", "d"), 2).text.endswith('y"""\r\nd = 2\r\n')
    assert file.set(("a", "c"), "p\nq").text == '[a]\r\nb = 1\r\nc = """\r\np\r\nq"""\r\n'
    assert file.set(("h", "x"), 1).text == file.text + "\r\n[h]\r\nx = 1\r\n"
    assert file.remove(("a", "c")).text == "[a]\r\nb = 1\r\n"


REFUSED = [
    pytest.param("a = 1", "set", ("a", "b"), 2, "a: holds a value, not a table", id="through a value"),
    pytest.param(
        "a = [1]", "set", ("a", "b"), 2, "a.b: there is no such item; the array has 1", id="a key of an array"
    ),
    pytest.param("a = [1]", "set", ("a", "2"), 2, "there is no such item", id="far behind the last item"),
    pytest.param("a = [1]", "set", ("a", "-1"), 2, "there is no such item", id="items from the end"),
    pytest.param("", "set", (), 2, "a path has at least one key", id="no path"),
    pytest.param("", "set", ("a", ""), 2, "a: a key cannot be empty", id="an empty key"),
    pytest.param("", "set", ("a\ud800",), 2, "holds half a character", id="half a character in a key"),
    pytest.param("", "set", ("a", 3), 2, "a: a key is a text, and 3 is none", id="a number as a key"),
    pytest.param("", "set", ("a",), None, "a: TOML has no empty value", id="none"),
    pytest.param("", "set", ("a",), {"b": [1, None]}, "a.b.1: TOML has no empty value", id="none within"),
    pytest.param(
        "", "set", ("a",), {"b": {3: 1}}, "a.b: a key is a text, and 3 is none", id="a number as a key within"
    ),
    pytest.param("", "set", ("a",), {"": 1}, "a: a key cannot be empty", id="an empty key within"),
    pytest.param("", "set", ("a",), 2**63, "a: a whole number of TOML has 64 bits", id="a large number"),
    pytest.param("", "set", ("a",), -(10**5000), "a: a whole number of TOML has 64 bits", id="a very large number"),
    pytest.param("", "set", ("a",), ["x", "\udfff"], "a.1: holds half a character", id="half a character"),
    pytest.param("", "set", ("a",), Path("x"), "a: TOML cannot hold a ", id="a path"),
    pytest.param("", "set", ("a",), {1, 2}, "a: TOML cannot hold a set", id="a set"),
    pytest.param("b = 1", "remove", ("a",), None, "a: there is no such key (known: b)", id="remove nothing"),
    pytest.param(
        "[a]\nlr = 1", "remove", ("a", "lrr"), None, "a.lrr: there is no such key (did you mean 'lr'?)", id="misspelt"
    ),
    pytest.param(
        "a = [1]", "remove", ("a", "1"), None, "a.1: there is no such item; the array has 1", id="no such item"
    ),
    pytest.param("a = 1", "remove", ("a", "b"), None, "a: holds a value, not a table", id="remove through a value"),
    pytest.param("a = 1\nb = 2", "rename", ("a",), "b", "a: cannot become b, which is there already", id="a taken key"),
    pytest.param("a = 1", "rename", ("a",), "", "a key cannot be empty", id="to nothing"),
    pytest.param("a = [1]", "rename", ("a", "0"), "b", "an item of an array has no key", id="rename an item"),
    pytest.param(
        "a = 1\nb = 2", "move", ("a",), ("b",), "a: cannot become b, which is there already", id="a taken place"
    ),
    pytest.param("a.b = 1", "move", ("a",), ("a", "c"), "one lies in the other", id="into itself"),
    pytest.param("a = 1", "move", ("b",), ("c",), "b: there is no such key", id="move nothing"),
    pytest.param("[[a]]\nb = 1", "set", ("a", "0"), 1, "a.0: found no way to write this", id="what has no way"),
    pytest.param("a = = 1", "set", ("a",), 1, "spec.toml:1:5: invalid value", id="what is no TOML"),
    pytest.param("a = 1\nb = {\n}", "set", ("a",), 2, "spec.toml:2:6: ", id="what is no TOML 1.0"),
    pytest.param(f"a = {'[' * 50}{']' * 50}", "set", ("b",), 2, "too deeply", id="what is too deep"),
]


@pytest.mark.parametrize(("text", "change", "path", "value", "message"), REFUSED)
def test_what_cannot_be_done_is_a_sentence(text, change, path, value, message):
    file = spec(text)
    said = refused(getattr(file, change), path, *([] if value is None and change != "set" else [value]))
    assert said.startswith("spec.toml")
    assert message in said


def test_a_value_that_holds_itself_is_a_sentence():
    endless: list = []
    endless.append(endless)
    assert "too deeply" in refused(spec("").set, ("a",), endless)


def leaves(tree, path=()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        yield from leaves(value, (*path, key)) if isinstance(value, dict) and value else [(*path, key)]


@pytest.mark.parametrize(
    "path", sorted(shipped_specs().rglob("*.toml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_value_of_a_shipped_spec_is_one_line(path):
    file = SpecFile.read(path)
    for leaf in leaves(file.tree):
        gone, come = difference(file, file.set(leaf, "another"))
        assert (len(gone), len(come)) == (1, 1), dotted(leaf)
        gone, come = difference(file, file.remove(leaf))
        assert len([line for line in gone if line]) == 1 and len(come) <= 1, dotted(leaf)
        gone, come = difference(file, file.set((*leaf[:-1], "another"), 1))
        assert len(gone) <= 1 and [line for line in come if line][1:] == [], dotted(leaf)


def difference(one: SpecFile, other: SpecFile) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    lines = list(difflib.ndiff(one.text.splitlines(), other.text.splitlines()))
    return tuple([line[2:] for line in lines if line.startswith(sign)] for sign in "-+")


# Any edit of any text either does exactly what it says, and what else stood there stands there still, or is refused.

KEYS = ["a", "b", "c", '"d e"', "'q.r'"]
NAMES = ["a", "b", "c", "d e", "q.r"]
SCALARS = ["1", "0x1F", "1e-3", "nan", "-0.0", "true", "1979-05-27 07:32:00", "07:32:00", '"# no"', "'[x]'"]
SCALARS += ['"""m\n# no\nz"""', "'''\n\n[x]\n'''", '""""q"""""']


@st.composite
def values(draw, depth=0):
    """The text of a value; a comment in it is made unique later."""
    kind = draw(st.sampled_from(["scalar", "scalar", "array", "lines", "table"])) if depth < 2 else "scalar"
    if kind == "scalar":
        return draw(st.sampled_from(SCALARS))
    items = draw(st.lists(values(depth + 1), max_size=3))
    if kind == "array":
        return f"[{', '.join(items)}{draw(st.sampled_from(['', ','])) if items else ''}]"
    if kind == "lines":
        lines = [item + ("," if at < len(items) - 1 or draw(st.booleans()) else "") for at, item in enumerate(items)]
        ends = [draw(st.sampled_from(["\n", " # C\n", "\n  # C\n"])) for _ in lines]
        return "[\n" + "".join(f"  {line}{end}" for line, end in zip(lines, ends, strict=True)) + "]"
    keys = draw(st.lists(dotted_keys(), min_size=len(items), max_size=len(items)))
    return "{ " + ", ".join(f"{'.'.join(key)} = {item}" for key, item in zip(keys, items, strict=True)) + " }"


def dotted_keys():
    return st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)


def parsed(text: str) -> dict | None:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError:
        return None


@st.composite
def documents(draw):
    """A valid text, with the path that each of its comments belongs to."""
    text, owners, section = "", {}, ()
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["pair", "pair", "pair", "[", "[[", "comment", "blank"]))
        key, comment = draw(dotted_keys()), draw(st.sampled_from(["", "  # C"]))
        if kind == "pair":
            piece = f"{draw(st.sampled_from(['', '  ']))}{'.'.join(key)} = {draw(values())}{comment}\n"
        else:
            name = ".".join(key)
            piece = {"[": f"[{name}]{comment}\n", "[[": f"[[{name}]]{comment}\n", "comment": "# C\n", "blank": "\n"}[
                kind
            ]
        count = len(owners)
        while "# C" in piece:
            count += 1
            piece = piece.replace("# C", f"# c{count}.", 1)
        tree = parsed(text + piece)
        if tree is None:
            continue
        text += piece
        names = [NAMES[KEYS.index(each)] for each in key]
        if kind in ("[", "[["):
            section = where(tree, names)
        owner = (*section, *names) if kind == "pair" else section
        owners |= {f"# c{number}.": owner for number in range(len(owners) + 1, count + 1)}
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text, owners


def where(tree, names) -> tuple[str, ...]:
    """The path that a header means: the last item of an array of tables."""
    path: tuple[str, ...] = ()
    for name in names:
        tree, path = tree[name], (*path, name)
        if isinstance(tree, list):
            path, tree = (*path, str(len(tree) - 1)), tree[-1]
    return path


PLAIN = st.recursive(
    st.sampled_from([1, 1.0, True, 0.1, float("nan"), "x", "it's", "m\nn", '"""', "'''\n", "\u00e9\u200b\x7f", []]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "type"]), inner, max_size=3),
    max_leaves=5,
)


def paths(tree, path=()) -> Iterator[tuple[str, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, str(key))
        yield from paths(value, (*path, str(key)))


def at(tree, path):
    for key in path:
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return tree


def put(tree, path, value):
    """The tree with a value, tables made on the way."""
    tree = holder = copy.deepcopy(tree)
    for key in path[:-1]:
        if isinstance(holder, list):
            holder += [{}] * (int(key) == len(holder))
            holder = holder[int(key)]
        else:
            holder = holder.setdefault(key, {})
    if isinstance(holder, list):
        holder[int(path[-1]) : int(path[-1]) + 1] = [value]
    else:
        holder[path[-1]] = value
    return tree


def taken(tree, path) -> list:
    """The tree without a value, then without the tables that this left empty, one after the other."""
    found, tree = [], copy.deepcopy(tree)
    while path:
        holder = at(tree, path[:-1])
        del holder[int(path[-1]) if isinstance(holder, list) else path[-1]]
        found.append(copy.deepcopy(tree))
        if holder:
            break
        path = path[:-1]
    return found


def exact(value):
    """Something that is equal where the values are the same, types included, whatever the order of keys."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return [exact(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


def order(tree, *, but: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path for path in paths(tree) if path[: len(but)] != but]


def first_new(tree, path) -> tuple[str, ...]:
    """The path up to the first key that is not there yet."""
    known = set(paths(tree))
    return next((path[:size] for size in range(1, len(path)) if path[:size] not in known), path)


@st.composite
def edits(draw):
    text, owners = draw(documents())
    tree = tomli.loads(text)
    known = list(paths(tree))
    old = draw(st.sampled_from(known)) if known else ("a",)
    around = draw(st.sampled_from([(), *known]))
    new = (*around, *draw(st.lists(st.sampled_from([*NAMES, "new", "0", "1"]), min_size=1, max_size=2)))
    change = draw(st.sampled_from(["set", "set", "remove", "rename", "move"]))
    path = draw(st.sampled_from([old, old, new]))
    second = {"set": draw(PLAIN), "rename": draw(st.sampled_from([*NAMES, "new"])), "move": new}
    return text, owners, tree, change, path, second.get(change)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(edits())
def test_an_edit_does_what_it_says_and_nothing_else_or_is_refused(edit):
    text, owners, tree, change, path, second = edit
    file = spec(text)
    try:
        after = getattr(file, change)(path, *([] if change == "remove" else [second]))
    except SpecError:
        return
    found = tomli.loads(after.text)
    free = ()
    if change == "set":
        expected, free = [put(tree, path, second)], first_new(tree, path)
    elif change == "remove":
        expected = taken(tree, path)
    elif change == "rename":
        table = {second if key == path[-1] else key: value for key, value in at(tree, path[:-1]).items()}
        expected = [put(tree, path[:-1], table) if path[:-1] else table]
    else:
        expected, free = taken(put(tree, second, at(tree, path)), path), first_new(tree, second)
    right = [each for each in expected if exact(each) == exact(found)]
    assert right
    assert order(found, but=free) == order(right[0], but=free) if free else list(paths(found)) == list(paths(right[0]))
    kept = set(re.findall(r"# c\d+\.", after.text))
    for comment in owners.keys() - kept:
        shorter = min(len(path), len(owners[comment]))
        assert change != "rename"
        assert owners[comment][:shorter] == path[:shorter], f"{comment} is lost"
    assert (after.text.endswith("\n") or not after.text) == (text.endswith("\n") or not text or not after.text)
    assert after.text.count("\r\n") in (0, after.text.count("\n"))
