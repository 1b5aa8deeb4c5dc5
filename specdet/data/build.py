"""From the specs of data sets and transforms to a DetectionDataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from specdet.data.concat import ConcatReader
from specdet.data.dataset import DetectionDataset
from specdet.data.findings import Findings
from specdet.data.open import open_reader
from specdet.data.proposals import StoredProposals, read_proposals
from specdet.data.reader import Reader
from specdet.spec import Problem, Spec, SpecError
from specdet.spec.structure import structure_component


def build_dataset(
    spec: Spec | Mapping[str, Any],
    *,
    transforms: Mapping[str, Any],
    seed: int,
    training: bool,
    masks: Literal["none", "truth", "samples"] = "none",
    path: str = "",
    proposals: Path | None = None,
    max_proposals: int | None = None,
    on_bad_image: Literal["error", "skip"] = "error",
) -> DetectionDataset:
    """The images of one data set, or of several keyed ones after one another.

    Args:
        spec: A data set's spec or table, or a keyed table of them.
        transforms: Keyed specs or tables, done in their order.
        seed: Of the images' augmentation, with the epoch and the image's index.
        training: Leave images out as the data sets' specs say.
        masks: Whether to read the objects' masks, and to give them in the ground truth alone or in samples as well.
        path: Where `spec` stands, as "data.train", for errors.
        proposals: A file of boxes found earlier, to give with the samples.
        max_proposals: How many of an image are used, the best; all unless given.
        on_bad_image: Raise an error, or do without the image, as `DetectionDataset` tells for training and evaluation.

    Raises:
        SpecError: With all problems of all the data sets: files that are missing or cannot be read, annotations that
            make no sense, classes that do not agree.
    """
    wanted = structure_component(spec, family="dataset")
    named = structure_component(transforms, family="transform")
    problems: list[Problem] = []
    if isinstance(wanted, Spec):
        readers = read_all({path: wanted}, training=training, masks=masks != "none", problems=problems)
    else:
        paths = {f"{path}.{key}".lstrip("."): each for key, each in wanted.items()}
        readers = read_all(paths, training=training, masks=masks != "none", problems=problems)
    if problems:
        raise SpecError(problems)
    reader = next(iter(readers.values())) if len(readers) == 1 else _joined(readers, path)
    built = [each.build() for each in named.values()]
    stored = None
    if proposals is not None:
        stored = proposals_of(reader, file=proposals, limit=max_proposals, path=f"{path}_proposals")
    instead: Literal["replace", "blank"] = "replace" if training else "blank"
    return DetectionDataset(
        reader,
        transforms=built,
        seed=seed,
        masks=masks == "samples",
        proposals=stored,
        on_bad_image=instead if on_bad_image == "skip" else "error",
    )


def proposals_of(reader: Reader, *, file: Path, limit: int | None, path: str) -> StoredProposals:
    """The proposals of a file, all of whose images are those of a data set.

    Args:
        path: Where the file is named in the spec, for errors.

    Raises:
        SpecError: For a file that is missing or damaged, or that belongs to another data set.
    """
    try:
        stored = read_proposals(file, limit=limit)
        stored.check(reader)
    except SpecError as error:
        raise SpecError([problem.under(path) for problem in error.problems]) from error
    return stored


def read_all(
    specs: Mapping[str, Spec],
    *,
    training: bool,
    problems: list[Problem],
    headers: bool = False,
    masks: bool = False,
    folders: Sequence[Path] | None = None,
) -> dict[str, Reader]:
    """The readers of data sets by their paths in the spec; what is wrong with the others is added to `problems`.

    Args:
        training: Leave images out as the data sets' specs say.
        headers: Open every image file and compare its size with the one noted.
        masks: Read the objects' masks, too.
        folders: The only ones from which files may be opened; all may be unless given.
    """
    readers: dict[str, Reader] = {}
    for path, spec in specs.items():
        try:
            findings = Findings(getattr(spec, "source", path), folders=folders)
            reader = open_reader(spec, training=training, findings=findings, headers=headers, masks=masks)
            findings.settle()
            readers[path] = reader
            if not len(readers[path]):
                problems.append(
                    Problem(path=path, message="has no image to work with: is the split or the list empty?")
                )
        except SpecError as error:
            problems += [problem.under(path) for problem in error.problems]
        except OSError as error:  # no permission, a broken disk
            said = f"{error.filename}: cannot be read: {error.strerror}"
            problems.append(Problem(path=path, message=said, kind="environment"))
    return readers


def _joined(readers: Mapping[str, Reader], path: str) -> ConcatReader:
    try:
        return ConcatReader(readers)
    except ValueError as error:
        raise SpecError.one(str(error), path=path) from error
