import json

import pytest

from specdet.cli import main
from tests.runs.made import made

A = "seed = 0\n[optimizer]\ntype = 'SGD'\nlr = 0.1\n[hooks.ema]\ndecay = 0.9\n"
B = "seed = 0\n[optimizer]\ntype = 'SGD'\nlr = 0.2\n"
C = "seed = 1\n[optimizer]\ntype = 'SGD'\nlr = 0.1\n[hooks.ema]\ndecay = 0.9\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path))
    measured = {"a": ({"loss": 0.5, "bbox/AP": 0.3}, {"bbox/AP": {"value": 0.4, "iter": 80}}),
                "b": ({"loss": None}, {}), "c": ({}, {})}  # fmt: skip
    for (name, (last, best)), spec in zip(measured.items(), (A, B, C), strict=True):
        directory = made(tmp_path, name, meta={"name": name * 2}, state={"state": "finished"},
                         progress={"iter": 90, "max_iters": 100, "last": last, "best": best})  # fmt: skip
        (directory / "spec.toml").write_text(spec)
    return tmp_path


def test_what_differs_from_the_first_side_by_side(root, capsys):
    assert main(["compare", "a", "b", "c"]) == 0
    about, spec, metrics = (part.splitlines() for part in capsys.readouterr().out.split("\n\n"))
    assert [line.split() for line in about[1:]] == [
        ["A", "a", "aa", "finished", "90/100"],
        ["B", "b", "bb", "finished", "90/100"],
        ["C", "c", "cc", "finished", "90/100"],
    ]
    assert [line.split() for line in spec] == [
        ["spec", "A", "B", "C"],
        ["optimizer.lr", "0.1", "0.2", "0.1"],
        ["hooks.ema.decay", "0.9", "-", "0.9"],
        ["seed", "0", "0", "1"],
    ]
    assert [" ".join(line.split()) for line in metrics] == [
        "metric A B C", "bbox/AP 0.3 (best 0.4 at 80) - -", "loss 0.5 not finite -"
    ]  # fmt: skip


def test_another_order_differs(root, capsys):
    (root / "a" / "spec.toml").write_text("[hooks.x]\na = 1\n[hooks.y]\na = 1\n")
    (root / "b" / "spec.toml").write_text("[hooks.y]\na = 1\n[hooks.x]\na = 1\n")
    main(["compare", "a", "b"])
    assert 'hooks.order  ["x", "y"]  ["y", "x"]' in capsys.readouterr().out


def test_json_for_programs(root, capsys):
    assert main(["compare", "a", "b", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["id"] for run in found["runs"]] == ["a", "b"]
    assert found["spec"] == [
        {"path": "optimizer.lr", "values": [{"value": 0.1}, {"value": 0.2}]},
        {"path": "hooks.ema.decay", "values": [{"value": 0.9}, None]},
    ]
    assert found["metrics"]["bbox/AP"] == [
        {"last": 0.3, "best": 0.4, "best_iter": 80},
        {"last": None, "best": None, "best_iter": None},
    ]


def test_the_same_twice(root, capsys):
    assert main(["compare", "b", "b"]) == 0
    assert "their specs say the same" in capsys.readouterr().out


def test_one_run_is_too_few(root, capsys):
    assert main(["compare", "a"]) == 2
    assert "give two runs or more" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "words"), [(None, "spec.toml"), ("a = ", "spec.toml")])
def test_a_spec_that_cannot_be_read_is_told(root, capsys, text, words):
    path = root / "b" / "spec.toml"
    path.unlink()
    if text is not None:
        path.write_text(text)
    assert main(["compare", "a", "b"]) == 1
    assert words in capsys.readouterr().err
