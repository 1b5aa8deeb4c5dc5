import re
from datetime import datetime
from pathlib import Path

import pytest

from specdet.runs import directory
from specdet.runs.directory import make_run_directory, runs_root, slug

NOW = datetime(2025, 3, 9, 14, 5, 7)


def test_names_say_when_and_what(tmp_path):
    path = make_run_directory("RPN r50 / FPN!", root=tmp_path / "new", now=NOW)
    assert path.is_dir() and path.parent == tmp_path / "new"
    assert re.fullmatch(r"20250309-140507-rpn-r50-fpn-[0-9a-f]{4}", path.name)


def test_a_name_that_is_taken_is_not_taken_again(tmp_path, monkeypatch):
    tokens = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(directory.secrets, "token_hex", lambda size: next(tokens))
    names = [make_run_directory("x", root=tmp_path, now=NOW).name[-4:] for _ in range(2)]
    assert names == ["aaaa", "bbbb"]


def test_the_root_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path / "elsewhere"))
    assert runs_root() == tmp_path / "elsewhere"
    monkeypatch.delenv("SPECDET_RUNS")
    monkeypatch.chdir(tmp_path)
    assert runs_root() == Path.cwd() / "runs"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("../../etc/passwd", "etc-passwd"), ("", "run"), ("ÄÖ", "run"), ("a" * 99, "a" * 40), ("-x-", "x")],
)
def test_slugs_are_safe_in_paths(name, expected):
    assert slug(name) == expected
