"""How many classes the detector of an experiment tells apart, where its spec leaves that to the data."""

from typing import Any

import attrs

from specdet.experiment import Experiment
from specdet.spec import SpecError

LIKELY = 80  # of COCO; what is estimated of a model hardly depends on it


def with_classes(experiment: Experiment, count: int) -> Experiment:
    """The same experiment, its model with as many classes as its training set has.

    Raises:
        SpecError: Where the model says another number.
    """
    model: Any = experiment.model
    said = getattr(model, "num_classes", count)
    if said is None:
        return attrs.evolve(experiment, model=attrs.evolve(model, num_classes=count))
    if said != count:
        message = f"is {said}, but the training set has {count} class{'es' * (count != 1)}; leave it out to take those"
        raise SpecError.one(message, path="model.num_classes")
    return experiment


def with_likely_classes(experiment: Experiment) -> Experiment:
    """The same experiment with what can be known, or thought, before the data is opened."""
    if getattr(experiment.model, "num_classes", 0) is not None:
        return experiment
    training = experiment.data.training_sets[0]
    return with_classes(experiment, len(getattr(training, "classes", ())) or LIKELY)
