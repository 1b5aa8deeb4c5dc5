"""The part of `specdet check --data` that opens the data."""

from specdet.data.build import read_all
from specdet.data.concat import classes_differ
from specdet.data.spec import DataSpec
from specdet.spec import Problem, Spec


def data_problems(spec: DataSpec) -> list[Problem]:
    """All that is wrong with the data that a spec names; paths are relative to `[data]`.

    Annotations are read and every image file's header is opened, so that this takes about 0.1 ms an image. What is
    missing on this machine has the kind "environment"; a missing folder is one problem, not one for each file.
    """
    problems = root_problems(spec)
    if problems:
        return problems
    if isinstance(spec.train, Spec):
        training = {"train": spec.train}
    else:
        training = {f"train.{key}": each for key, each in spec.train.items()}
    readers = read_all(training, training=True, problems=problems, headers=True)
    if spec.val is not None:
        readers |= read_all({"val": spec.val}, training=False, problems=problems, headers=True)
    if difference := classes_differ({path: reader.classes for path, reader in readers.items()}):
        problems.append(Problem(path="train", message=difference))
    return problems


def root_problems(spec: DataSpec) -> list[Problem]:
    """The missing root of the data, as one problem instead of one for each file under it; relative to `[data]`."""
    if spec.root is None or spec.root.is_dir():
        return []
    message = f"the folder {spec.root} does not exist: say where the data lies, as in data.root=/path/to/data"
    return [Problem(path="root", message=message, kind="environment")]
