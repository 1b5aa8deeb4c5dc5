"""The number of classes: the spec's, or the data's."""

from typing import Any, ClassVar

import attrs
import pytest

import specdet
from specdet.experiment import Experiment
from specdet.experiment_classes import LIKELY, with_classes, with_likely_classes
from specdet.models.detectors.spec import ClassDetectorSpec
from specdet.spec import SpecError, spec
from specdet.spec.compose import shipped_specs


@spec
class Told(ClassDetectorSpec):
    """A detector of classes."""

    builds: ClassVar[str] = "nowhere:Nothing"


@pytest.fixture(scope="module")
def shapes() -> Experiment:
    return specdet.load(shipped_specs() / "rpn.toml")


def told(experiment: Experiment, num_classes: int | None) -> Experiment:
    backbone = getattr(experiment.model, "backbone", None)
    return attrs.evolve(experiment, model=Told(backbone=backbone, num_classes=num_classes))


def number(experiment: Experiment) -> Any:
    return getattr(experiment.model, "num_classes", "none at all")


def test_the_data_says_what_the_spec_does_not(shapes):
    assert number(with_classes(told(shapes, None), 7)) == 7
    assert number(with_classes(told(shapes, 7), 7)) == 7


def test_a_detector_without_classes_stays_as_it_is(shapes):
    assert with_classes(shapes, 7) is shapes
    assert with_likely_classes(shapes) is shapes


def test_two_numbers_are_one_too_many(shapes):
    with pytest.raises(SpecError, match=r"model\.num_classes: is 80, but the training set has 1 class; leave it out"):
        with_classes(told(shapes, 80), 1)


def test_what_is_likely_is_what_the_data_says_of_itself(shapes):
    assert number(with_likely_classes(told(shapes, None))) == 3
    assert number(with_likely_classes(told(shapes, 5))) == 5
    unknown = specdet.load(shipped_specs() / "bccd/rpn.toml")
    assert number(with_likely_classes(told(unknown, None))) == LIKELY
    named = specdet.load(shipped_specs() / "bccd/rpn.toml", ['data.train.classes=["RBC", "WBC"]'])
    assert number(with_likely_classes(told(named, None))) == 2
