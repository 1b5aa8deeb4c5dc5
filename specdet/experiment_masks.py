"""Which data sets of an experiment are read with the masks of their objects."""

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from specdet.experiment import Experiment

Masks = Literal["none", "truth", "samples"]  # as of `build_dataset`


def masks_to_train(experiment: "Experiment") -> Masks:
    """Of the training set: a detector that gives masks learns them."""
    return "samples" if getattr(experiment.model, "gives_masks", False) else "none"


def masks_to_evaluate(experiment: "Experiment") -> Masks:
    """Of the set to evaluate on: evaluators look at its ground truth, the losses of a validation at its samples."""
    if validates(experiment) and masks_to_train(experiment) != "none":
        return "samples"
    return "truth" if any(needs_masks(evaluator) for evaluator in experiment.eval.values()) else "none"


def validates(experiment: "Experiment") -> bool:
    """Whether its workflow takes the losses of the set to evaluate on."""
    return any(mode == "val" for mode, _ in experiment.train.workflow)


def needs_masks(evaluator: Any) -> bool:
    """Whether an evaluator compares masks."""
    return getattr(evaluator, "needs_masks", False)
