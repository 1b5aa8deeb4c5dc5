"""From the specs of data sets and transforms to a DetectionDataset."""

from collections.abc import Mapping
from typing import Any

from specdet.data.concat import ConcatReader
from specdet.data.dataset import DetectionDataset
from specdet.data.reader import Reader
from specdet.spec import Problem, Spec, SpecError
from specdet.spec.structure import structure_component


def build_dataset(
    spec: Spec | Mapping[str, Any],
    *,
    transforms: Mapping[str, Any],
    seed: int,
    training: bool,
    path: str = "",
) -> DetectionDataset:
    """The images of one data set, or of several keyed ones after one another.

    Args:
        spec: A data set's spec or table, or a keyed table of them.
        transforms: Keyed specs or tables, done in their order.
        seed: Of the images' augmentation, with the epoch and the image's index.
        training: Leave images out as the data sets' specs say.
        path: Where `spec` stands, as "data.train", for errors.

    Raises:
        SpecError: With all problems of all the data sets: files that are missing or cannot be read, annotations that
            make no sense, classes that do not agree.
    """
    wanted = structure_component(spec, family="dataset")
    named = structure_component(transforms, family="transform")
    problems: list[Problem] = []
    if isinstance(wanted, Spec):
        readers = read_all({path: wanted}, training=training, problems=problems)
    else:
        paths = {f"{path}.{key}".lstrip("."): each for key, each in wanted.items()}
        readers = read_all(paths, training=training, problems=problems)
    if problems:
        raise SpecError(problems)
    reader = next(iter(readers.values())) if len(readers) == 1 else _joined(readers, path)
    return DetectionDataset(reader, transforms=[each.build() for each in named.values()], seed=seed)


def read_all(
    specs: Mapping[str, Spec], *, training: bool, problems: list[Problem], headers: bool = False
) -> dict[str, Reader]:
    """The readers of data sets by their paths in the spec; what is wrong with the others is added to `problems`."""
    readers: dict[str, Reader] = {}
    for path, spec in specs.items():
        try:
            readers[path] = spec.build(training=training, headers=headers)
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
