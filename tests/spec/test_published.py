"""Weights that lie elsewhere, in a spec."""

from pathlib import Path

import pytest

from specdet.experiment import load, resolved
from specdet.runner.spec import TrainSpec
from specdet.spec import Published, Spec, SpecError, field, spec
from specdet.spec.structure import structure

RPN = "specdet:rpn.toml"
ELSEWHERE = [
    "https://example.org/a/b-0123abcd.pth",
    "http://127.0.0.1:8000/w.pth#sha256=00",
    "FasterRCNN_ResNet50_FPN_Weights.COCO_V1",
]


@spec
class Source(Spec):
    """A table with weights."""

    weights: Published | Path = field(help="Weights.")


@pytest.mark.parametrize("text", ELSEWHERE)
def test_addresses_and_names_stay_as_they_are(text):
    found = structure({"weights": text}, Source).weights
    assert found == text and isinstance(found, Published)
    assert found.is_address == text.startswith("http")


@pytest.mark.parametrize("text", ["w.pth", "weights/https.pth", "ftp:w.pth", "some_weights.pth", "a b/w.pth"])
def test_all_else_is_a_path(text):
    assert structure({"weights": text}, Source).weights == Path(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "expected an address (https://...) or a published name (..._Weights....) or a path (text), got 3"),
        ("${HOME}/w.pth", "nothing is put into a path: write it out, relative to this file or to data.root"),
    ],
)
def test_what_it_cannot_be_is_said_once(value, message):
    with pytest.raises(SpecError) as caught:
        structure({"weights": value}, Source)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [("weights", message)]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_a_spec_and_its_copy_name_them_alike(text, tmp_path):
    experiment = load(RPN, [f"train.load_from={text}"])
    assert experiment.train.load_from == Published(text)
    (tmp_path / "copy.toml").write_text(resolved(experiment))
    copy = load(tmp_path / "copy.toml").train
    assert isinstance(copy.load_from, Published) and copy == experiment.train


def test_paths_are_absolute_as_ever(tmp_path):
    (tmp_path / "a.toml").write_text('extends = ["specdet:rpn.toml"]\n[train]\nload_from = "w.pth"\n')
    assert load(tmp_path / "a.toml").train.load_from == tmp_path / "w.pth"
    assert TrainSpec().load_from is None
