"""The data sets of a spec by the names that URLs have for them: train, train.KEY, val."""

from collections.abc import Mapping

import attrs

from specdet.data.spec import DataSpec
from specdet.spec import Spec


@attrs.frozen(kw_only=True)
class NamedSet:
    """One data set of a spec.

    Attributes:
        name: "train", "train.KEY" or "val".
        spec: What it is.
        training: Whether it is trained on; what its filters leave out is then left out.
        before: The names of the training sets before it, whose images count first in the training's numbering.
    """

    name: str
    spec: Spec
    training: bool
    before: tuple[str, ...] = ()


def sets_of(data: DataSpec) -> dict[str, NamedSet]:
    """All sets by name, in the order of the spec, the one to evaluate on last."""
    found: dict[str, NamedSet] = {}
    if isinstance(data.train, Mapping):
        for key, spec in data.train.items():
            name = f"train.{key}"
            found[name] = NamedSet(name=name, spec=spec, training=True, before=tuple(found))
    else:
        found["train"] = NamedSet(name="train", spec=data.train, training=True)
    if data.val is not None:
        found["val"] = NamedSet(name="val", spec=data.val, training=False)
    return found
