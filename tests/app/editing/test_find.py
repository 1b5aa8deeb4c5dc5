from pathlib import Path

import pytest

from app.editing import find
from app.editing.find import find_specs, looks_like_spec, shipped_names
from app.editing.summary import Summaries, summarise
from app.editing.target import target_of
from app.security.roots import Roots
from specdet.spec.compose import locate, shipped_specs
from tests.runs.made import made

RPN = shipped_specs() / "rpn.toml"


def put(path, text="spec = 1\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_specs_are_found_where_people_put_them_and_nowhere_else(workspace):
    for name in ("a.toml", "exp/b.toml", "exp/base/c.toml"):
        put(workspace / name)
    put(workspace / "pyproject.toml", "[project]\nname = 'x'\n")
    for name in (".hidden/x.toml", "env/x.toml", "node_modules/x.toml", "1/2/3/4/5/6/7/x.toml"):
        put(workspace / name)
    put(workspace / "env/pyvenv.cfg", "")
    run = made(workspace / "trainings")
    put(run / "spec.toml")
    (workspace / "loop").symlink_to(workspace)
    found = find_specs(workspace)
    assert found.names == ("a.toml", "exp/b.toml", "exp/base/c.toml")
    assert not found.cut


def test_there_is_an_end_to_what_is_listed(workspace, monkeypatch):
    monkeypatch.setattr(find, "MOST", 3)
    for number in range(5):
        put(workspace / f"{number}.toml")
    found = find_specs(workspace)
    assert len(found.names) == 3
    assert found.cut


@pytest.mark.parametrize(
    ("text", "is_spec"),
    [
        ("spec = 1", True),
        ('extends = ["x.toml"]', True),
        ("[optimizer]\nlr = 1", True),
        ("spec = 1\n[model", True),
        ("[tool.ruff]", False),
        ("[train]\nx = 1\n[tool]", False),
        ("[model", False),
        ("", False),
    ],
)
def test_a_spec_is_known_by_what_it_says(tmp_path, text, is_spec):
    path = tmp_path / "x.toml"
    path.write_text(text)
    assert looks_like_spec(path) == is_spec


def test_a_summary_says_what_a_spec_is_about(workspace):
    put(workspace / "a.toml", RPN.read_text())
    summary = summarise(target_of("a.toml", roots=Roots.here()))
    assert (summary.detector, summary.data, summary.verdict) == ("RPN, ResNet-18", "Shapes", "fine")
    assert summary.about.startswith("A region proposal network")


def test_a_summary_is_made_anew_when_a_base_changes(workspace):
    put(workspace / "base/b.toml", RPN.read_text())
    put(workspace / "a.toml", 'spec = 1\nextends = ["base/b.toml"]\n')
    known, target = Summaries(), target_of("a.toml", roots=Roots.here())
    assert known.of(target) is known.of(target)
    assert known.of(target).verdict == "fine"
    put(workspace / "base/b.toml", RPN.read_text().replace("lr = 1e-3", "lr = -1"))
    assert known.of(target).verdict == "1 problem"


def test_a_base_is_checked_as_a_part(workspace):
    put(workspace / "base/b.toml", "spec = 1\n[optimizer]\ntype = 'SGD'\n")
    summary = summarise(target_of("base/b.toml", roots=Roots.here()))
    assert summary.part
    assert summary.verdict == "fine"


def test_a_file_that_is_gone_or_no_text_is_a_summary_that_says_so(workspace):
    roots = Roots.here()
    assert summarise(target_of("gone.toml", roots=roots)).verdict == "1 problem"
    (workspace / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "UTF-8" in summarise(target_of("bytes.toml", roots=roots)).problems[0].message


def test_shipped_specs_are_named_as_a_spec_extends_them():
    whole, every = shipped_names(bases=False), shipped_names(bases=True)
    assert "specdet:rpn.toml" in whole and every[: len(whole)] == whole
    assert {name for name in every if name.startswith("specdet:base/")} == {*every} - {*whole}
    assert all(locate(name, relative_to=Path("/")).is_file() for name in every)
