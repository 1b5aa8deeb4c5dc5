"""The part of `specdet check --data` that opens the data."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np

from specdet.data.build import proposals_of, read_all
from specdet.data.concat import ConcatReader, classes_differ
from specdet.data.findings import Findings
from specdet.data.reader import Reader
from specdet.data.root import root_problems
from specdet.data.spec import DataSpec
from specdet.data.training_paths import training_paths
from specdet.spec import Problem, SpecError


@attrs.frozen(kw_only=True, eq=False)
class CheckedData:
    """What was found in the data that a spec names.

    Attributes:
        problems: All that is wrong; paths are relative to `[data]`.
        train_sizes: (n, 2) int64 heights and widths of all training images, px; None where some set cannot be read.
    """

    problems: list[Problem]
    train_sizes: np.ndarray | None


def check_data(
    spec: DataSpec, *, train_masks: bool = False, val_masks: bool = False, folders: Sequence[Path] | None = None
) -> CheckedData:
    """Open all data sets of a spec, and nothing out of `folders` where they are given.

    Annotations are read and every image file's header is opened, so that this takes about 0.1 ms an image. What is
    missing on this machine has the kind "environment"; a missing folder is one problem, not one for each file.

    Args:
        train_masks, val_masks: Whether the objects of the sets need masks.
    """
    problems = root_problems(spec)
    if problems:
        return CheckedData(problems=problems, train_sizes=None)
    training = training_paths(spec)
    readers = read_all(training, training=True, problems=problems, headers=True, masks=train_masks, folders=folders)
    sizes = [reader.sizes for reader in readers.values()] if len(readers) == len(training) else []
    if spec.val is not None:
        readers |= read_all(
            {"val": spec.val}, training=False, problems=problems, headers=True, masks=val_masks, folders=folders
        )
    if difference := classes_differ({path: reader.classes for path, reader in readers.items()}):
        problems.append(Problem(path="train", message=difference))
    if not problems:
        named = {"train": ConcatReader({path: readers[path] for path in training}) if len(training) > 1 else
                 readers[next(iter(training))], "val": readers.get("val")}  # fmt: skip
        problems += _proposal_problems(spec, named, folders=folders)
    return CheckedData(problems=problems, train_sizes=np.concatenate(sizes) if sizes else None)


def _proposal_problems(
    spec: DataSpec, readers: Mapping[str, Reader | None], *, folders: Sequence[Path] | None
) -> Iterator[Problem]:
    """What is wrong with the files of proposals, given the data sets that they are for."""
    for role, reader in readers.items():
        path = f"{role}_proposals"
        file: Path | None = getattr(spec, path)
        if file is None or reader is None:
            continue
        findings = Findings(file, folders=folders)
        try:
            if findings.may_open(file, path=path):
                proposals_of(reader, file=file, limit=spec.max_proposals, path=path)
            findings.settle()
        except SpecError as error:
            yield from error.problems
