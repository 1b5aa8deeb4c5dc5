"""Each fault that the table tells of has its test."""

import ast
import re
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[2] / "specdet" / "FAULTS.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith(("| fault |", "| --- |"))]


def test_each_row_names_a_test():
    assert len(rows()) > 30
    assert [row for row in rows() if not NAMED.search(row)] == []


@pytest.mark.parametrize(("file", "name"), sorted({found for row in rows() for found in NAMED.findall(row)}))
def test_a_test_that_is_named_exists(file, name):
    tree = ast.parse((TABLE.parents[1] / file).read_text(encoding="utf-8"))
    assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
