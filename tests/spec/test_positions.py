import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from specdet.spec.merge import walk
from specdet.spec.positions import Positions

TEXT = """\
x = 1
a."b.c".d = [1, {q=2, r.s = 3},
  [4]]  # the end
[h.i]
k = "vé"
"é" = "naïve"
[[arr]]
z = 1
[[arr.sub]]
y = {}
[[arr]]
[arr.t]
m = '''
lines'''
[h]
  q = 3
"""


def text_at(span) -> str:
    return TEXT.split("\n")[span.line - 1][span.column - 1 : span.end - 1]


@pytest.mark.parametrize(
    ("path", "key", "value", "line"),
    [
        (("x",), "x", "1", 1),
        (("a",), "a", "a", 2),
        (("a", "b.c"), '"b.c"', '"b.c"', 2),
        (("a", "b.c", "d", "0"), "1", "1", 2),
        (("a", "b.c", "d", "1", "q"), "q", "2", 2),
        (("a", "b.c", "d", "1", "r", "s"), "s", "3", 2),
        (("a", "b.c", "d", "2"), "[4]", "[4]", 3),
        (("h", "i"), "i", "i", 4),
        (("h", "i", "é"), '"é"', '"naïve"', 6),
        (("arr", "0", "z"), "z", "1", 8),
        (("arr", "0", "sub", "0", "y"), "y", "{}", 10),
        (("arr", "1"), "arr", "arr", 11),
        (("arr", "1", "t", "m"), "m", "'''", 13),
        (("h",), "h", "h", 15),
        (("h", "q"), "q", "3", 16),
    ],
)
def test_each_key_and_value_is_found(path, key, value, line):
    positions = Positions(TEXT)
    assert text_at(positions.find(path, at="key")) == key
    found = positions.find(path)
    assert text_at(found) == value
    assert found.line == line


def test_what_is_not_there_is_looked_for_at_the_nearest_table():
    positions = Positions(TEXT)
    assert positions.find(("h", "i", "nothing", "deeper")) == positions.find(("h", "i"), at="key")
    assert positions.find(("nothing",)) is None


def test_lines_are_given_without_their_ends():
    assert Positions("a = 1\r\nb = 2\r\n").line(1) == "a = 1"
    assert Positions("a = 1").line(7) == ""


KEYS = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    st.integers(0, 99), lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=3), max_leaves=8
).filter(lambda tree: isinstance(tree, dict))


@given(TREES, st.booleans())
def test_the_text_at_a_leafs_place_is_the_leaf(tree, inline):
    def spelled(value) -> str:
        if not isinstance(value, dict):
            return str(value)
        return "{" + ", ".join(f"{key} = {spelled(item)}" for key, item in value.items()) + "}"

    if inline:
        text = "\n".join(f"{key} = {spelled(value)}" for key, value in tree.items())
    else:
        text = "\n".join(f"{'.'.join(path)} = {value}" for path, value in walk(tree) if not isinstance(value, dict))
    assert tomli.loads(text) == tree
    positions = Positions(text)
    for path, value in walk(tree):
        if not isinstance(value, dict):
            span = positions.find(path)
            assert text.split("\n")[span.line - 1][span.column - 1 : span.end - 1] == str(value)
