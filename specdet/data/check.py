"""The part of `specdet check --data` that opens the data."""

import attrs
import numpy as np

from specdet.data.build import read_all
from specdet.data.concat import classes_differ
from specdet.data.root import root_problems
from specdet.data.spec import DataSpec
from specdet.spec import Problem, Spec
from specdet.spec.paths import dotted


@attrs.frozen(kw_only=True, eq=False)
class CheckedData:
    """What was found in the data that a spec names.

    Attributes:
        problems: All that is wrong; paths are relative to `[data]`.
        train_sizes: (n, 2) int64 heights and widths of all training images, px; None where some set cannot be read.
    """

    problems: list[Problem]
    train_sizes: np.ndarray | None


def check_data(spec: DataSpec) -> CheckedData:
    """Open all data sets of a spec.

    Annotations are read and every image file's header is opened, so that this takes about 0.1 ms an image. What is
    missing on this machine has the kind "environment"; a missing folder is one problem, not one for each file.
    """
    problems = root_problems(spec)
    if problems:
        return CheckedData(problems=problems, train_sizes=None)
    if isinstance(spec.train, Spec):
        training = {"train": spec.train}
    else:
        training = {dotted(("train", key)): each for key, each in spec.train.items()}
    readers = read_all(training, training=True, problems=problems, headers=True)
    sizes = [reader.sizes for reader in readers.values()] if len(readers) == len(training) else []
    if spec.val is not None:
        readers |= read_all({"val": spec.val}, training=False, problems=problems, headers=True)
    if difference := classes_differ({path: reader.classes for path, reader in readers.items()}):
        problems.append(Problem(path="train", message=difference))
    return CheckedData(problems=problems, train_sizes=np.concatenate(sizes) if sizes else None)
