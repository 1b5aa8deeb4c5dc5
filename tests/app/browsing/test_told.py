import ast
from pathlib import Path

import pytest

from app.browsing.looks import Oddity
from app.browsing.told import ADVICE, advice_on, told
from specdet.data.findings import Finding

ROOT = Path(__file__).parents[3]


def said_by_readers() -> set[str]:
    """The first words of whatever our readers and the app say of data, up to what depends on the data."""
    found = set()
    for path in [*(ROOT / "specdet/data").glob("*.py"), *(ROOT / "app/browsing").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("wrong", "remark", "note", "_oddity", "Finding") and (node.args or node.keywords):
                first = node.args[0] if node.args else _keyword(node, "what")
                if isinstance(first, ast.JoinedStr):
                    first = first.values[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def test_the_check_below_sees_the_readers():
    assert {"image files that do not exist", "images without a box"} <= said_by_readers()


@pytest.mark.parametrize("what", sorted(said_by_readers()))
def test_whatever_our_readers_say_comes_with_what_to_do(what):
    assert advice_on(what), what


def test_the_longest_beginning_that_fits_is_meant():
    assert advice_on("images without a box to learn from, left out") == ADVICE["images without a box to learn from"]
    assert advice_on("images without a box") == ADVICE["images without a box"]
    assert advice_on("something of a plugin") == ""


def test_problems_come_first_and_all_cases_are_counted():
    findings = [
        Finding(weight="remark", what="boxes without an extent, left out", items=("a",)),
        Finding(weight="problem", what="image files that do not exist", items=tuple(map(str, range(1000)))),
        Finding(weight="problem", what="the file does not exist", items=("",)),
    ]
    rows = told("val", findings, [Oddity(what="image files that are in train and in val", count=3, items=("x",))])
    assert [(row.weight, row.count) for row in rows] == [
        ("problem", 1000),
        ("problem", 1),
        ("remark", 1),
        ("remark", 3),
    ]
    assert len(rows[0].items) == 200
    assert rows[1].items == ()
