"""taplo and tombi, which editors run behind the scenes, accept our specs and say exactly what is wrong with others."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from specdet.cli import main
from specdet.spec.compose import shipped_specs
from specdet.spec.dump import dumps
from tests.spec.tables import RPN, changed

# One mistake each: where, what, and what taplo and tombi must say of it.
WHOLE = [
    ("sed", 3, "'sed' was unexpected", '"sed" is not allowed'),
    ("model.backbone.depht", 18, "'depht' was unexpected", '"depht" is not allowed'),
    ("model.test.nms_ion", 0.5, "'nms_ion' was unexpected", '"nms_ion" is not allowed'),
    ("optimizer.momentum", 0.5, "'momentum' was unexpected", '"momentum" is not allowed'),
    ("hooks.checkpoint.keep_bst", 3, "'keep_bst' was unexpected", '"keep_bst" is not allowed'),
    ("train.log_every.epoch", 1, "'epoch' was unexpected", '"epoch" is not allowed'),
    ("data.train.cuont", 1, "'cuont' was unexpected", '"cuont" is not allowed'),
    ("data.train_transforms.flip.prob", 0.5, "'prob' was unexpected", '"prob" is not allowed'),
    ("optimizer.type", "AdmW", '"AdmW" is not one of ["SGD","Adam","AdamW",', 'one of ["SGD", "Adam", "AdamW",'),
    ("data.train_transforms.x.type", "Resise", '"Resise" is not one of ["Resize",', 'one of ["Resize",'),
    ("eval.mine.per_class", True, '"type" is a required property', '"type" is required'),
    ("optimizer", {"type": "SGD"}, '"lr" is a required property', '"lr" is required'),
    ("optimizer.lr", "fast", '"fast" is not of type "number"', "expected a value of type Float, but found String"),
    ("model.rpn_head.anchors.ratios", [1.0, "2"], '"2" is not of type "number"', "expected a value of type Float"),
    ("data.val_transforms", 3, '3 is not of type "object"', "expected a value of type Table, but found Integer"),
    ("model.backbone.norm", "BM", '"BM" is not one of ["BN","FrozenBN",', 'one of ["BN", "FrozenBN",'),
    (
        "hooks.checkpoint.keep_last",
        "most",
        '"most" does not match "^all$"',
        '"most" does not match the pattern `^all$`',
    ),
    ("hooks.checkpoint.keep_last", 0, "0 is less than the minimum of 1", "must be ≥ 1, but found 0"),
    ("optimizer.lr", 0.0, "0.0 is less than or equal to the minimum of 0", "must be > 0, but found 0"),
    (
        "data.train_transforms.flip.probability",
        1.5,
        "1.5 is greater than the maximum of 1",
        "must be ≤ 1, but found 1.5",
    ),
    ("model.backbone.out_stages", [2, 5], "5 is greater than the maximum of 4", "must be ≤ 4, but found 5"),
    ("optimizer.betas", [0.9], "[0.9] has less than 2 items", "must contain at least 2 values, but found 1"),
    ("hooks.order", "log", '"log" is not of type "array"', "expected a value of type Array, but found String"),
]
EXTENDS = [
    ("sed", 3, "'sed' was unexpected", '"sed" is not allowed'),
    ("optimizer.lrr", 0.1, "'lrr' was unexpected", '"lrr" is not allowed'),
    ("optimizer", {"type": "SGD", "betas": [0, 0]}, "'betas' was unexpected", '"betas" is not allowed'),
    ("hooks.checkpoint.keep_bst", 3, "'keep_bst' was unexpected", '"keep_bst" is not allowed'),
    ("data.train.mine.cuont", 3, "'cuont' was unexpected", '"cuont" is not allowed'),
    ("optimizer.lr", "fast", '"fast" is not of type "number"', "expected a value of type Float, but found String"),
    ("model.rpn_head.loss_box.weight", -1, "-1 is less than the minimum of 0", "must be ≥ 0, but found -1"),
    ("schedule.warmup", "loud", '"loud" is not one of ["none",', 'one of ["none",'),
]
# What no shipped spec says, but may be said.
FINE = [
    ("whole", "data.val_transforms.x", {"type": "Resize", "short_side": {"ref": "data.train.size"}}),
    ("whole", "data.val_transforms.x", {"type": "Resize", "long_side": {"ref": "data.train.size"}}),
    ("whole", "hooks.order", ["log", "events"]),
    ("whole", "model.neck", [{"type": "FPN"}, {"type": "FPN", "out_channels": 64}]),
    ("whole", "data.train", {"order": ["b", "a"], "a": RPN["data"]["train"], "b": RPN["data"]["train"]}),
    ("whole", "unset", ["hooks.log"]),
    ("whole", "plugins", ["./mine.py"]),
    ("extends", "hooks.log.bar", False),
    ("extends", "optimizer.betas", [0.9, 0.99]),
    ("extends", "data.train.mine.count", 3),
    ("extends", "data.val.classes", {"ref": "data.train.classes"}),
]
MISTAKES = [
    (form, path, value, {"taplo": taplo, "tombi": tombi})
    for form, rows in (("whole", WHOLE), ("extends", EXTENDS))
    for path, value, taplo, tombi in rows
]
TAPLO_CONFIG = """\
[[rule]]
include = ["whole/*.toml"]
[rule.schema]
path = "./whole.json"
[[rule]]
include = ["extends/*.toml"]
[rule.schema]
path = "./extends.json"
"""
TOMBI_CONFIG = """\
[[schemas]]
path = "whole.json"
include = ["whole/*.toml"]
[[schemas]]
path = "extends.json"
include = ["extends/*.toml"]
"""


def say(folder: Path, name: str, *files: str) -> dict[str, list[str]]:
    """What a tool says of files in `folder`, which holds its configuration: file -> messages. Nothing is fetched."""
    program = shutil.which(name, path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    assert program, f"{name} comes with the extra 'test'"
    command = [program, "lint", "--colors", "never", *files]
    if name == "tombi":
        found = folder / "tombi.json"
        options = ["--offline", "--no-cache", "--quiet", "--diagnostics-format", "json", "--diagnostics-file", found]
        command = [program, "lint", *options, *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "HOME": str(folder)})
    assert done.returncode in (0, 1), done.stderr
    if name == "tombi":
        pairs = [(each["path"], each["message"]) for each in json.loads(found.read_text(encoding="utf-8"))]
    else:
        pairs = [(path, said) for said, path in re.findall(r"^error: (.*)\n +┌─ (.*):\d+:\d+$", done.stderr, re.M)]
    messages: dict[str, list[str]] = {}
    for path, said in pairs:
        messages.setdefault((folder / path).relative_to(folder).as_posix(), []).append(said)
    return messages


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The schemas, the tools' configuration, and every spec of this file: NUMBER.toml under whole/ and extends/."""
    folder = tmp_path_factory.mktemp("editor")
    assert main(["schema", "-o", str(folder / "whole.json")]) == 0
    assert main(["schema", "--extends", "-o", str(folder / "extends.json")]) == 0
    (folder / ".taplo.toml").write_text(TAPLO_CONFIG, encoding="utf-8")
    (folder / "tombi.toml").write_text(TOMBI_CONFIG, encoding="utf-8")
    for form in ("whole", "extends"):
        (folder / form).mkdir()
    for number, (form, path, value, *_) in enumerate([*MISTAKES, *FINE]):
        table = changed(path, value, table=RPN if form == "whole" else {"extends": ["base.toml"]})
        (folder / form / f"{number}.toml").write_text(dumps(table), encoding="utf-8")
    for path in shipped_specs().rglob("*.toml"):
        text = path.read_text(encoding="utf-8")
        form = "extends" if "extends" in tomli.loads(text) or path.parent.name == "base" else "whole"
        (folder / form / f"{path.parent.name}-{path.name}").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=["taplo", "tombi"])
def said(request, folder):
    """The tool's name, and all that it says."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.toml"))
    return request.param, say(folder, request.param, *files)


def test_nothing_is_said_of_what_is_right(said, folder):
    wrong = {f"{form}/{number}.toml" for number, (form, *_) in enumerate(MISTAKES)}
    assert {path: messages for path, messages in said[1].items() if path not in wrong} == {}
    assert len([*folder.glob("*/*.toml")]) > len(MISTAKES) + len(FINE)


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        pytest.param(number, form, expected, id=f"{form}-{path}")
        for number, (form, path, _, expected) in enumerate(MISTAKES)
    ],
)
def test_a_mistake_is_named(said, number, form, expected):
    tool, messages = said
    found = messages.get(f"{form}/{number}.toml", [])
    assert [each for each in found if expected[tool] in each], found


@pytest.mark.parametrize("tool", ["taplo", "tombi"])
def test_a_spec_can_name_its_schema_itself(tool, folder, tmp_path):
    shutil.copy(folder / "extends.json", tmp_path / "specdet.extends.json")
    text = '#:schema ./specdet.extends.json\nextends = ["a.toml"]\nsed = 3\n'
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (messages,) = say(tmp_path, tool, "mine.toml").values()
    assert any("sed" in message for message in messages)
