import json
import subprocess
import sys

import pytest

from specdet.cli import main
from specdet.experiment import Experiment
from specdet.spec.manual.json_schema import editor_schema


@pytest.mark.parametrize(("arguments", "extends"), [([], False), (["--extends"], True)])
def test_the_schema_is_printed(capsys, arguments, extends):
    assert main(["schema", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == editor_schema(Experiment, extends=extends)


def test_the_schema_is_written(tmp_path, capsys):
    assert main(["schema", "-o", str(tmp_path / "specdet.schema.json")]) == 0
    assert json.loads((tmp_path / "specdet.schema.json").read_text(encoding="utf-8")) == editor_schema(Experiment)
    assert not capsys.readouterr().out


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path, capsys):
    assert main(["schema", "-o", str(tmp_path / "nowhere/schema.json")]) == 1
    assert capsys.readouterr().err == f"{tmp_path}/nowhere/schema.json: No such file or directory\n"


def test_the_help_tells_how_an_editor_finds_it(capsys):
    with pytest.raises(SystemExit):
        main(["schema", "--help"])
    assert "#:schema ./specdet.schema.json" in capsys.readouterr().out


def test_neither_torch_nor_numpy_is_loaded():
    script = (
        "import os, sys\nfrom specdet.cli import main\nmain(['schema', '-o', os.devnull])\nmain(['explain', 'SGD'])\n"
        "main(['list'])\nassert not {'torch', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
