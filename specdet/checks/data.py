"""What `specdet check --data` finds: the data themselves, and the parts of the experiment that depend on them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from specdet.checks.files import missing_files
from specdet.data.check import check_data
from specdet.data.root import root_problems
from specdet.data.sampler import EpochBatchSampler
from specdet.experiment_masks import masks_to_evaluate, masks_to_train
from specdet.experiment_rules import length_problems
from specdet.runner.loading import steps_per_epoch
from specdet.spec import Problem

if TYPE_CHECKING:
    import numpy as np

    from specdet.experiment import Experiment


def data_problems(experiment: "Experiment", *, folders: Sequence[Path] | None = None) -> list[Problem]:
    """All that is wrong with files and data, and, for so many images, with the batches and the schedule."""
    problems = list(missing_files(experiment))
    if root_problems(experiment.data):
        return problems
    found = check_data(
        experiment.data,
        train_masks=masks_to_train(experiment) != "none",
        val_masks=masks_to_evaluate(experiment) != "none",
        folders=folders,
    )
    problems += [problem.under("data") for problem in found.problems]
    if found.train_sizes is not None:
        problems += _batch_problems(experiment, sizes=found.train_sizes)
        problems += length_problems(experiment, images=len(found.train_sizes))
    return problems


def _batch_problems(experiment: "Experiment", *, sizes: "np.ndarray") -> Iterator[Problem]:
    """What keeps one process from filling a batch, in the words of the training."""
    data = experiment.data
    try:
        sampler = EpochBatchSampler(
            sizes, images_per_device=data.images_per_device, seed=experiment.seed, group_by_aspect=data.group_by_aspect
        )
    except ValueError as error:
        yield Problem(path="data.images_per_device", message=str(error))
        return
    try:
        steps_per_epoch(sampler, accumulate=experiment.train.accumulate)
    except ValueError as error:
        yield Problem(path="train.accumulate", message=str(error))
