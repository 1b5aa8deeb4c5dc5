"""build_detector: a detector from its spec, with other settings of training and testing where they are given."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from specdet.registry import Registry
from specdet.spec import Spec
from specdet.spec.dump import to_table
from specdet.spec.merge import merge
from specdet.spec.structure import build_from_cfg, structure_component


def build_detector(
    spec: Spec | Mapping[str, Any],
    *,
    train: Spec | Mapping[str, Any] | None = None,
    test: Spec | Mapping[str, Any] | None = None,
) -> nn.Module:
    """The detector that a spec or table describes.

    Args:
        spec: With a `type` of the registry's family "detector".
        train: Settings of training that replace those of the same keys in `spec`.
        test: Settings of testing, likewise.

    Raises:
        SpecError: For a table that is no valid spec.
        ValueError: For parts that do not fit together, or weights that cannot be loaded.
    """
    settings = {name: value for name, value in (("train", train), ("test", test)) if value is not None}
    if settings:
        described = structure_component(spec, family="detector")
        tag = Registry("detector").tag_of(type(described)) or type(described)
        tables = {name: to_table(value) if isinstance(value, Spec) else value for name, value in settings.items()}
        spec = merge({"type": tag, **to_table(described)}, tables)
    return build_from_cfg(spec, Registry("detector"))
