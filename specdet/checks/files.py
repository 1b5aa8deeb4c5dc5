"""The files that an experiment starts from, looked for before anything is started."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from specdet.checks.walk import specs_within
from specdet.data.root import root_problems
from specdet.spec import Problem
from specdet.spec.paths import SpecPath, dotted

if TYPE_CHECKING:
    from specdet.experiment import Experiment


def missing_files(experiment: "Experiment") -> Iterator[Problem]:
    """The folder of the data, and the weights to start from, where this machine lacks them."""
    yield from (problem.under("data") for problem in root_problems(experiment.data))
    for path, file in _weights(experiment):
        if not file.exists():
            yield Problem(path=dotted(path), message=f"{file} does not exist", kind="environment")


def _weights(experiment: "Experiment") -> Iterator[tuple[SpecPath, Path]]:
    """Every file that the training and the parts of the model name."""
    for key in ("load_from", "resume_from"):
        if isinstance(file := getattr(experiment.train, key), Path):
            yield ("train", key), file
    for path, spec in specs_within(experiment.model, path=("model",)):
        for name, value in vars(spec).items():
            if isinstance(value, Path):
                yield (*path, name), value
