import json

import pytest

from specdet.cli import main
from specdet.spec.compose import shipped_specs

RPN = str(shipped_specs() / "rpn.toml")
COCO = str(shipped_specs() / "coco/rpn_r50_fpn_1x.toml")


def lines(capsys) -> dict[str, str]:
    """The printed table."""
    rows = [line.split("  ", 1) for line in capsys.readouterr().out.splitlines()]
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2}


def test_people_get_a_table(capsys):
    assert main(["cost", RPN, "train.max_epochs=2", "data.train.count=44", "schedule.warmup_iters=9"]) == 0
    told = lines(capsys)
    assert told["training images"] == "44"
    assert told["steps in all"] == "22"
    assert told["classes"] == "3: ellipse, rectangle, triangle"
    assert told["time of a step"].startswith("unknown: it was not measured")


def test_tools_get_one_json_document(capsys):
    assert main(["cost", RPN, "--json", "--processes", "2"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["cost"]
    assert (document["spec"], document["problems"]) == (RPN, [])
    assert (found["processes"], found["steps_per_epoch"], found["steps"]) == (2, 137, 8 * 137)
    parts = [value for name, value in found["memory"].items() if name != "total"]
    assert found["memory"]["total"] == sum(parts)
    assert found["checkpoints"]["total"] == found["checkpoints"]["kept"] * found["checkpoints"]["bytes_each"]
    assert found["step_time"] is None
    assert list(found["unknown"]) == ["step_time"]


def test_missing_data_is_what_the_machine_lacks_and_the_table_comes_anyhow(tmp_path, capsys):
    assert main(["cost", COCO, f"data.root={tmp_path}/nowhere"]) == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"data.root: the folder {tmp_path}/nowhere does not exist" in said.err
    assert said.out.count("nowhere") == 1  # the same reason is not said for each fact
    assert "parameters" in said.out


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_wrong_spec_is_told_as_check_tells_it(tmp_path, capsys, more):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = ["specdet:rpn.toml"]\nseeed = 1\n')
    assert main(["cost", str(wrong), *more]) == 1
    said = capsys.readouterr()
    if more:
        document = json.loads(said.out)
        assert [problem["line"] for problem in document["problems"]] == [2]
        assert "cost" not in document
    else:
        assert f"{wrong}:2:1: seeed" in said.err


def test_no_process_is_wrong_usage(capsys):
    assert main(["cost", RPN, "--processes", "0"]) == 2
    assert capsys.readouterr().err == "--processes must be at least 1\n"


def test_data_is_opened_within_the_folders_that_are_named_alone(bccd, tmp_path, capsys):
    spec = [str(shipped_specs() / "bccd/rpn.toml"), f"data.root={bccd}"]
    assert main(["cost", *spec, "--within", str(tmp_path)]) == 3
    assert "files outside of the folders that may be read" in capsys.readouterr().out
    assert main(["cost", *spec, "--within", str(tmp_path), "--within", str(bccd)]) == 0
    assert lines(capsys)["training images"] == "205"
