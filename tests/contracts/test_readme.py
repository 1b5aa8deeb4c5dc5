"""What the README says in numbers is so."""

import re
from pathlib import Path

import pytest
import torch

import specdet
from specdet.checks.memory import model_without_weights
from specdet.spec.compose import shipped_specs

README = Path(__file__).parents[2] / "README.md"
ROW = re.compile(r"\| `(?P<spec>[\w.]+)` \| (?P<millions>[\d.]+) \| (?P<published>[^|]+) \| (?P<by>[^|]+) \|")


def rows() -> dict[str, re.Match[str]]:
    text = README.read_text(encoding="utf-8")
    table = text.partition("<!-- detectors:begin -->")[2].partition("<!-- detectors:end -->")[0]
    return {found["spec"]: found for found in map(ROW.match, table.splitlines()) if found}


def test_the_table_has_every_detector_for_coco():
    assert sorted(rows()) == sorted(path.name for path in (shipped_specs() / "coco").glob("*.toml"))
    assert len(rows()) > 10


@pytest.mark.parametrize("name", rows())
def test_a_row_is_what_its_spec_says(name):
    row, path = rows()[name], shipped_specs() / "coco" / name
    with torch.device("meta"):
        model = model_without_weights(specdet.load(path)).build()
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert f"{millions:.1f}" == row["millions"]
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.partition("published: ")[2].partition(" (")[0] == row["published"]
