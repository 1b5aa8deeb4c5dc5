import json
import os
import pty
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
    assert said.err.splitlines() == [
        f"{wrong}:2:1: seeed: a spec has no such key (did you mean 'seed'?)",
        f'{wrong}:4:6: optimizer.lr: expected a number, got "fast"',
    ]


def test_tools_get_one_json_document(tmp_path, capsys):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = ["specdet:rpn.toml"]\n[schedule]\ntype = "Step"\n')
    assert main(["check", "--json", RPN, str(wrong), "--set", "seed=-1"]) == 1
    first, second = json.loads(capsys.readouterr().out)["specs"]
    assert first["spec"] == RPN
    assert [problem["argument"] for problem in first["problems"]] == ["seed=-1"]
    missing, seed = second["problems"]
    assert (missing["file"], missing["line"], missing["column"], missing["end_column"]) == (str(wrong), 2, 2, 10)
    assert (missing["path"], missing["kind"]) == ("schedule.milestones", "spec")
    assert seed["path"] == "seed"


def test_a_terminal_shows_the_line_with_a_caret(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = ["specdet:rpn.toml"]\noptimizer.lr = "fast"\n')
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "specdet.cli", "check", str(wrong)],
        stderr=slave, stdout=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"},
    ) as process:  # fmt: skip
        process.wait()
    os.close(slave)
    said = os.read(master, 10_000).decode().splitlines()
    os.close(master)
    assert said == [
        f'{wrong}:2:16: optimizer.lr: expected a number, got "fast"',
        '    2 | optimizer.lr = "fast"',
        "      |                ^^^^^^",
    ]


def test_a_base_is_checked_as_the_part_that_it_is(tmp_path, capsys):
    base = tmp_path / "base.toml"
    base.write_text("[optimizer]\nlr = 0.1\n[hooks.checkpoint]\nkeep_last = 0\n")
    assert main(["check", "--partial", str(base), str(shipped_specs() / "base/coco.toml")]) == 1
    said = capsys.readouterr().err
    assert said == f"{base}:4:13: hooks.checkpoint.keep_last: must be at least 1, got 0\n"


def test_a_plugin_runs_only_where_the_user_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    witness = tmp_path / "witness"
    (tmp_path / "evil.py").write_text(f"open({str(witness)!r}, 'w').close()\nCOMPONENTS = {{}}\n")
    spec = tmp_path / "spec.toml"
    spec.write_text('extends = ["specdet:rpn.toml"]\nplugins = ["./evil.py"]\n')
    for verb in ("check", "show"):
        assert main([verb, str(spec)]) == 3
        assert "is code, and nothing of it was run" in capsys.readouterr().err
    assert not witness.exists()
    assert main(["check", str(spec), "--plugin", str(tmp_path / "evil.py")]) == 0
    assert witness.exists()


def test_a_missing_data_folder_is_one_problem_of_the_machine(tmp_path, capsys):
    assert main(["check", "--data", "--set", f"data.root={tmp_path}/nowhere", COCO]) == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"data.root: the folder {tmp_path}/nowhere does not exist" in said.err


def test_the_data_of_a_spec_is_opened_when_asked_for(bccd):
    assert main(["check", "--data", "--set", f"data.root={bccd}", str(shipped_specs() / "bccd/rpn.toml")]) == 0


def test_data_is_opened_within_the_folders_that_are_named_alone(bccd, tmp_path, capsys):
    check = ["check", str(shipped_specs() / "bccd/rpn.toml"), f"--set=data.root={bccd}", "--data"]
    assert main([*check, "--within", str(tmp_path)]) == 3
    assert "files outside of the folders that may be read" in capsys.readouterr().err


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
