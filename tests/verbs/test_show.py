import tomli

from specdet.cli import main
from specdet.experiment import load
from specdet.spec.compose import shipped_specs

COCO = shipped_specs() / "coco/rpn_r50_fpn_1x.toml"


def test_what_is_shown_is_the_same_experiment(tmp_path, capsys):
    again = tmp_path / "again.toml"
    for options in ([], ["--origins"]):
        assert main(["show", str(COCO), "--set", "optimizer.lr=0.5", "--set", "~hooks.log", *options]) == 0
        again.write_text(capsys.readouterr().out)
        assert load(again) == load(COCO, ["optimizer.lr=0.5", "~hooks.log"])


def test_origins_stand_beside_each_value(capsys):
    assert main(["show", "specdet:coco/rpn_r50_fpn_1x.toml", "--origins", "--set", "seed=3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    base = shipped_specs() / "base/schedule_1x.toml"
    assert f"milestones = [8, 11] # {base}:12:14" in lines
    assert "seed = 3 # command line: seed=3" in lines
    assert "base_channels = 64 # default" in lines
    assert all(" # " in line for line in lines if " = " in line)


def test_the_order_of_hooks_survives(tmp_path, capsys):
    spec = tmp_path / "spec.toml"
    spec.write_text('extends = ["specdet:rpn.toml"]\n[hooks]\norder = ["log", "events"]\n[hooks.ema]\ntype = "EMA"\n')
    assert main(["show", str(spec)]) == 0
    shown = capsys.readouterr().out
    assert list(tomli.loads(shown)["hooks"])[1:3] == ["log", "events"]
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert load(again, ["name=spec"]) == load(spec)
    assert list(load(again).hooks) == ["log", "events", "optimizer", "evaluate", "predictions", "checkpoint", "ema"]


def test_a_run_is_shown_by_its_folder(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text(COCO.parent.parent.joinpath("rpn.toml").read_text())
    assert main(["show", str(tmp_path)]) == 0
    assert tomli.loads(capsys.readouterr().out)["model"]["type"] == "RPN"


def test_a_wrong_spec_is_told_as_by_check(tmp_path, capsys):
    spec = tmp_path / "spec.toml"
    spec.write_text('extends = ["specdet:rpn.toml"]\nsede = 1\n')
    assert main(["show", str(spec)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"{spec}:2:1: sede: a spec has no such key (did you mean 'seed'?)\n"
