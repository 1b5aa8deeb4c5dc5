"""training_paths: the training sets of a spec, by where they stand."""

from specdet.data.spec import DataSpec
from specdet.spec import Spec
from specdet.spec.paths import dotted


def training_paths(data: DataSpec) -> dict[str, Spec]:
    """The training set as "train", or all of them as "train.KEY"; paths are relative to `[data]`."""
    if isinstance(data.train, Spec):
        return {"train": data.train}
    return {dotted(("train", key)): each for key, each in data.train.items()}
