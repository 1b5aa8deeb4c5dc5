"""Parameter groups: which parameters are trained, with which share of the learning rate and of the weight decay."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any

import attrs
from torch import nn
from torch.nn.modules.batchnorm import _NormBase  # the one base of BatchNorm, SyncBatchNorm and InstanceNorm

from specdet.optim.spec import OptimizerSpec, ParameterRuleSpec
from specdet.spec import Problem, SpecError

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


@attrs.frozen(kw_only=True)
class Treatment:
    """How one parameter is trained; parameters of one treatment share a group."""

    lr_factor: float
    decay_factor: float


@attrs.frozen(kw_only=True, eq=False)
class NamedParameter:
    """A parameter with every name it has: a shared one has several, in model order."""

    names: tuple[str, ...]
    parameter: nn.Parameter
    is_norm: bool

    @property
    def is_bias(self) -> bool:
        """Whether it is the bias of anything but a norm layer."""
        return not self.is_norm and self.names[0].rpartition(".")[2] == "bias"

    def matches(self, rule: ParameterRuleSpec) -> bool:
        """Whether any of its names fits the rule's pattern."""
        return any(fnmatchcase(name, rule.pattern) for name in self.names)


def parameter_groups(model: nn.Module, *, spec: OptimizerSpec, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """The groups to give to a `torch.optim.Optimizer`.

    Every trainable parameter is in exactly one group. Parameters stand in model order, groups in the order of their
    first parameter, so the groups are the same for the same model and spec. `initial_lr` holds each group's learning
    rate for schedules. Parameters that a rule freezes get `requires_grad=False`, hence this comes before the model is
    wrapped for distributed training.

    Raises:
        SpecError: For rules that match no parameter, and where nothing is left to train.
    """
    parameters = list(named_parameters(model))
    problems = [
        Problem(path=f"optimizer.rules.{key}.pattern", message=_no_match(rule.pattern, parameters))
        for key, rule in spec.rules.items()
        if not any(each.matches(rule) for each in parameters)
    ]
    if problems:
        raise SpecError(problems)
    groups: dict[Treatment, list[nn.Parameter]] = {}
    for each in parameters:
        rules = [rule for rule in spec.rules.values() if each.matches(rule)]
        if _last([rule.frozen for rule in rules], otherwise=False):
            each.parameter.requires_grad_(False)
        if each.parameter.requires_grad:
            groups.setdefault(_treatment(each, rules, spec), []).append(each.parameter)
    if not groups:
        raise SpecError.one("there is nothing to train: every parameter of the model is frozen", path="optimizer.rules")
    return [
        {
            "params": members,
            "lr": lr * treatment.lr_factor,
            "initial_lr": lr * treatment.lr_factor,
            "weight_decay": weight_decay * treatment.decay_factor,
        }
        for treatment, members in groups.items()
    ]


def named_parameters(model: nn.Module) -> Iterator[NamedParameter]:
    """Every parameter of the model once, in model order."""
    names: dict[nn.Parameter, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(parameter, []).append(name)
    of_norms = {
        parameter
        for module in model.modules()
        if isinstance(module, NORMS)
        for parameter in module.parameters(recurse=False)
    }
    for parameter, found in names.items():
        yield NamedParameter(names=tuple(found), parameter=parameter, is_norm=parameter in of_norms)


def _treatment(each: NamedParameter, rules: list[ParameterRuleSpec], spec: OptimizerSpec) -> Treatment:
    by_kind = spec.norm_decay_factor if each.is_norm else spec.bias_decay_factor if each.is_bias else 1.0
    return Treatment(
        lr_factor=_last([rule.lr_factor for rule in rules], otherwise=spec.bias_lr_factor if each.is_bias else 1.0),
        decay_factor=_last([rule.decay_factor for rule in rules], otherwise=by_kind),
    )


def _last(values: list[Any], *, otherwise: Any) -> Any:
    return next((value for value in reversed(values) if value is not None), otherwise)


def _no_match(pattern: str, parameters: Iterable[NamedParameter]) -> str:
    names = [name for each in parameters for name in each.names]
    prefixes = {f"{prefix}.*" for name in names for prefix in accumulate(name.split(".")[:-1], "{}.{}".format)}
    near = get_close_matches(pattern, [*sorted(prefixes), *names], n=3, cutoff=0.6)
    top = sorted({f"{name.split('.')[0]}.*" for name in names if "." in name}) or names
    hint = f"did you mean {_listed(near)}?" if near else f"the model has {_listed(top[:10])}"
    return f"no parameter matches '{pattern}' ({hint})"


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
