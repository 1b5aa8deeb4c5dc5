import json

import pytest

from specdet.cli import main


@pytest.fixture
def pair(tmp_path):
    """Two specs that extend the shipped one, by what they say besides."""

    def writer(before: str, after: str) -> list[str]:
        for name, text in (("a.toml", before), ("b.toml", after)):
            (tmp_path / name).write_text(f'extends = ["specdet:rpn.toml"]\n{text}\n')
        return [str(tmp_path / "a.toml"), str(tmp_path / "b.toml")]

    return writer


def test_the_same_said_otherwise_is_no_difference(pair, capsys):
    files = pair("[optimizer]\nlr = 1e-3", 'optimizer.lr = 0.001\ndata.train_transforms = { flip.type = "Flip" }')
    assert main(["diff", "--exit-code", *files]) == 0
    assert capsys.readouterr().out == ""


def test_only_changed_keys_with_their_types(pair, capsys):
    files = pair('optimizer.lr = 1\n[hooks.ema]\ntype = "EMA"', 'unset = ["hooks.log"]\ntrain.log_every.iters = 5')
    assert main(["diff", *files]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  optimizer.lr = 1.0 -> 0.001",
        "  train.log_every.iters = 50 -> 5",
        '- hooks.log.type = "TextLog"',
        "- hooks.log.enabled = true",
        "- hooks.log.bar = true",
        '- hooks.ema.type = "EMA"',
        "- hooks.ema.enabled = true",
        "- hooks.ema.decay = 0.9998",
        "- hooks.ema.warmup = 2000",
    ]


def test_another_type_is_told_key_by_key(pair, capsys):
    files = pair("", '[schedule]\ntype = "Poly"\npower = 2')
    assert main(["diff", "--exit-code", *files]) == 1
    out = capsys.readouterr().out.splitlines()
    assert '  schedule.type = "Cosine" -> "Poly"' in out
    assert "+ schedule.power = 2.0" in out
    assert "  schedule.warmup_iters = 50 -> 500" in out
    assert not any("schedule.by" in line for line in out)


def test_another_order_is_a_difference(pair, capsys):
    flips = '[data.train_transforms.{}]\ntype = "Photometric"'
    files = pair(flips.format("color"), flips.format("color") + '\n[data.train_transforms]\norder = ["color", "flip"]')
    assert main(["diff", *files]) == 0
    assert capsys.readouterr().out == '  data.train_transforms.order = ["flip", "color"] -> ["color", "flip"]\n'


def test_names_count_where_both_are_said(pair, capsys):
    assert main(["diff", *pair('name = "x"', 'name = "y"')]) == 0
    assert capsys.readouterr().out == '  name = "x" -> "y"\n'
    assert main(["diff", *pair('name = "x"', "")]) == 0
    assert capsys.readouterr().out == ""


def test_json_tells_which_side_lacks_a_key(pair, capsys):
    assert main(["diff", "--json", *pair("", "[data]\nval_images_per_device = 8")]) == 0
    assert json.loads(capsys.readouterr().out) == [{"path": "data.val_images_per_device", "after": 8}]


def test_a_spec_that_is_wrong_cannot_be_compared(pair, capsys):
    files = pair("", "sede = 1")
    assert main(["diff", *files]) == 1
    assert f"{files[1]}:2:1: sede" in capsys.readouterr().err
