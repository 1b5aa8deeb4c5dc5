"""How many classes a detector tells apart."""

from typing import Any


def known_classes(spec: Any) -> int:
    """`spec.num_classes`. Raises ValueError where nobody has said it, as training does once the data is open."""
    if spec.num_classes is None:
        raise ValueError(
            "the number of classes is not known: say model.num_classes, or give the experiment the classes of its data "
            "(specdet.experiment.with_classes)"
        )
    return spec.num_classes
