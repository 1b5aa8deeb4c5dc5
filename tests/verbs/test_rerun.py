import json

from specdet.cli import main
from specdet.experiment import load, resolved
from specdet.runs.directory import runs_root
from tests.runs.launching import ended


def test_a_run_is_repeated_in_a_run_of_its_own(launching, monkeypatch, capsys):
    monkeypatch.setenv("FAKE", "finish")
    assert main(["launch", "specdet:rpn.toml", "seed=3", "--processes", "2"]) == 0
    (first,) = runs_root().iterdir()
    ended(first)
    # As the spec of a run that was resumed with changes, which says that it goes on from itself.
    (first / "spec.toml").write_text(resolved(load(first / "spec.toml", [f"train.resume_from={first}"])))
    capsys.readouterr()
    assert main(["rerun", "last", "seed=4"]) == 0
    second = runs_root() / capsys.readouterr().out.splitlines()[0]
    assert second != first
    assert load(second / "spec.toml") == load("specdet:rpn.toml", ["seed=4"])
    assert (second / "spec.source.toml").read_text() == (first / "spec.source.toml").read_text()
    meta = json.loads((second / "meta.json").read_text())
    assert (meta["parent"], meta["launch"]["processes"]) == (first.name, 2)
    ended(second)
