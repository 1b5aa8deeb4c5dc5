import subprocess
import sys

import pytest

from specdet.cli import main
from specdet.spec.compose import shipped_specs

RPN = str(shipped_specs() / "rpn.toml")
COCO = str(shipped_specs() / "coco/rpn_r50_fpn_1x.toml")


def test_a_right_spec_is_fine(capsys):
    assert main(["check", RPN]) == 0
    assert capsys.readouterr().out == f"{RPN}: fine\n"


def test_every_problem_of_every_spec_is_said(tmp_path, capsys):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = ["specdet:rpn.toml"]\nseeed = 1\n[optimizer]\nlr = "fast"\n')
    assert main(["check", str(wrong), RPN]) == 1
    said = capsys.readouterr()
    assert said.out == f"{wrong}: 2 problems\n{RPN}: fine\n"
    assert set(said.err.splitlines()) == {
        f"{wrong}: seeed: Experiment has no such key (did you mean 'seed'?)",
        f'{wrong}: optimizer.lr: expected a number, got "fast"',
    }


def test_a_missing_data_folder_is_one_problem_of_the_machine(tmp_path, capsys):
    assert main(["check", "--data", "--set", f"data.root={tmp_path}/nowhere", COCO]) == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"data.root: the folder {tmp_path}/nowhere does not exist" in said.err


def test_the_data_of_a_spec_is_opened_when_asked_for(bccd):
    assert main(["check", "--data", "--set", f"data.root={bccd}", str(shipped_specs() / "bccd/rpn.toml")]) == 0


def test_fp16_on_a_cpu_is_refused_with_what_to_write_instead(capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU, which can do fp16")
    assert main(["check", "--device", "--set", "train.precision=fp16", RPN]) == 3
    assert 'write "bf16" or "fp32"' in capsys.readouterr().err
    assert main(["check", "--device", "--set", "train.precision=bf16", RPN]) == 0


@pytest.mark.parametrize("arguments", [[], ["chekc", RPN], ["check"], ["check", RPN, "--no-such-flag"]])
def test_wrong_usage_exits_with_2(arguments):
    done = subprocess.run([sys.executable, "-m", "specdet.cli", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
