"""Optimizers from their specs."""

from collections.abc import Mapping
from typing import Any

import attrs
import torch
from torch import nn
from torch.optim import Optimizer

from specdet.optim.groups import parameter_groups
from specdet.optim.spec import OptimizerSpec
from specdet.spec import Spec
from specdet.spec.structure import structure_component

SHARED = frozenset(attribute.name for attribute in attrs.fields(OptimizerSpec))
IMPLEMENTATIONS = {
    "auto": {},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
    "loop": {"foreach": False},
}


def build_optimizer(model: nn.Module, spec: Spec | Mapping[str, Any]) -> Optimizer:
    """The optimizer of a model, from a spec or from a table with a `type`.

    Build it before the model is wrapped for distributed training: rules may freeze parameters.

    Raises:
        SpecError: For rules that match no parameter, and for a model without anything to train.
    """
    return structure_component(spec, family="optimizer").build(model=model)


def torch_optimizer(spec: OptimizerSpec, *, model: nn.Module) -> Optimizer:
    """The algorithm that the spec names, over the parameter groups of `model`.

    Every field besides the shared ones goes to the algorithm under its own name, `implementation` as torch's flags.
    """
    options = {
        attribute.name: getattr(spec, attribute.name)
        for attribute in attrs.fields(type(spec))
        if attribute.name not in SHARED
    }
    flags = IMPLEMENTATIONS[options.pop("implementation", "auto")]
    groups = parameter_groups(model, spec=spec, lr=options["lr"], weight_decay=options.get("weight_decay", 0.0))
    return getattr(torch.optim, spec.algorithm)(groups, **options, **flags)
