import pytest
import tomli

from specdet.spec.compose import shipped_specs
from specdet.spec.layout import Layout, Section

ODD = '''# file
a.b = 1 # "x" = 2
"d e" . 'q.r' = "[x]"   # trailing
text = """
# no comment
[no.header] \\"""
""\"""
literal = \'\'\'
x = 1\'\'\'\'
quotes = [ """"q""""", \'\'\'\'\'q\'\'\'\'\', \'#\', "\\"#" ]
dates = [1979-05-27 07:32:00, 07:32:00.5, 1979-05-27T00:32:00-07:00,]
many = [ # one
  [1, 2], # two ] }
  { x = { y = [] }, "z,}" = \'}\' }
  # three
  ,
]

  [ h . "d e" ]  # header
  k=-inf

[[t.u]]
v = 1
[t.u.w]
x = 2
[[t.u]]
[t.u.w]
x = 3
[[t.u.w.deep]]
'''


def leaves(tree, path=()):
    """The values that are no tables, and those in braces, which nobody can tell from others in the tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, str(key)), value
        yield from leaves(value, (*path, str(key)))


@pytest.mark.parametrize(
    "text",
    [ODD, ODD.replace("\n", "\r\n"), "", "\n# only\n", *(path.read_text() for path in shipped_specs().rglob("*.toml"))],
)
def test_each_value_stands_where_it_is_found(text):
    values = dict(leaves(tomli.loads(text)))
    found = set()
    for container in Layout(text).containers():
        found |= {container.path[:size] for size in range(len(container.path) + 1)}
        for item in container.items:
            found |= {item.path[:size] for size in range(len(item.path) + 1)}
            assert tomli.loads(f"x = {text[item.value.start : item.value.end]}\n")["x"] == values[item.path]
            if item.comma is not None:
                assert text[item.comma] == ","
            for key in item.keys:
                assert tomli.loads(f"{text[key.start : key.end]} = 1") == {key.name: 1}
                assert item.path[key.depth] == key.name
    assert found == {(), *values}


def test_headers_below_an_array_of_tables_mean_its_last_item():
    paths = [section.path for section in Layout(ODD).sections]
    assert paths[2:] == [
        ("t", "u", "0"),
        ("t", "u", "0", "w"),
        ("t", "u", "1"),
        ("t", "u", "1", "w"),
        ("t", "u", "1", "w", "deep", "0"),
    ]
    assert [key.depth for key in Layout(ODD).sections[-1].keys] == [0, 1, 3, 4]


def section_of(text: str, *path: str) -> tuple[Layout, Section]:
    layout = Layout(text)
    section = layout.section(path)
    assert section is not None
    return layout, section


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("x = 1\n# a\n# b\n[s]\n", "# a"),
        ("x = 1\n# a\n\n# b\n[s]\n", "# b"),
        ("x = 1 # a\n[s]\n", "[s]"),
        ("# a\n[s]\n", "# a"),
        ('x = """\n# a"""\n[s]\n', "[s]"),
    ],
)
def test_the_comment_directly_above_a_header_is_its_own(text, lead):
    layout, section = section_of(text, "s")
    assert text[layout.lead_start(section) :].startswith(lead)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("[s]\nx = 1\n# a\n\n# b\n", "\n# b\n"),
        ("[s]\nx = 1\n# a\n[t]\n", "# a\n[t]\n"),
        ("[s]\nx = 1 # a\n", ""),
        ("[s]\n# a", ""),
        ("[s]\n\n# a\n", "\n# a\n"),
    ],
)
def test_a_section_ends_with_what_belongs_to_it(text, rest):
    layout, section = section_of(text, "s")
    assert text[layout.body_end(section) :] == rest
