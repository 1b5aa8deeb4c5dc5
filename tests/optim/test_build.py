import copy
import inspect

import attrs
import pytest
import torch
from torch import nn

from specdet.optim.build import SHARED, build_optimizer
from specdet.optim.spec import (
    AdagradSpec,
    AdamSpec,
    AdamWSpec,
    NAdamSpec,
    ParameterRuleSpec,
    RAdamSpec,
    RMSpropSpec,
    SGDSpec,
)
from specdet.spec import SpecError

# Each with options away from torch's defaults, so that a field that does not arrive changes the weights.
CASES = [
    (SGDSpec, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (SGDSpec, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    (AdamSpec, torch.optim.Adam, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-3, "amsgrad": True, "weight_decay": 0.1}),
    (AdamSpec, torch.optim.Adam, {"decoupled_weight_decay": True, "weight_decay": 0.3}),
    (AdamWSpec, torch.optim.AdamW, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-3, "amsgrad": True}),
    (RMSpropSpec, torch.optim.RMSprop, {"alpha": 0.5, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    (NAdamSpec, torch.optim.NAdam, {"momentum_decay": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    (RAdamSpec, torch.optim.RAdam, {"betas": (0.5, 0.6), "weight_decay": 0.1}),
    (AdagradSpec, torch.optim.Adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.2, "weight_decay": 0.1}),
]
DEFAULTS = [(spec, algorithm, {"lr": 0.01} if spec is SGDSpec else {}) for spec, algorithm, _ in CASES]
SPECS = sorted({spec for spec, _, _ in CASES}, key=lambda spec: spec.__name__)


def trained(model, optimizer, *, steps=8):
    inputs = torch.linspace(-1, 1, 12).reshape(4, 3)
    for _ in range(steps):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))


@pytest.mark.parametrize(("kind", "algorithm", "options"), CASES + DEFAULTS)
def test_training_is_that_of_torch(model, kind, algorithm, options):
    theirs = copy.deepcopy(model)
    expected = trained(theirs, algorithm(theirs.parameters(), **options))
    optimizer = build_optimizer(model, kind(**options))
    assert type(optimizer) is algorithm
    for ours, reference in zip(trained(model, optimizer), expected, strict=True):
        torch.testing.assert_close(ours, reference, rtol=0, atol=0)


@pytest.mark.parametrize("kind", SPECS)
def test_every_field_is_an_option_of_torch(kind):
    fields = {attribute.name for attribute in attrs.fields(kind)} - SHARED - {"implementation"}
    assert fields <= set(inspect.signature(getattr(torch.optim, kind.algorithm)).parameters)


@pytest.mark.parametrize("kind", SPECS)
def test_defaults_are_those_of_torch(kind):
    signature = inspect.signature(getattr(torch.optim, kind.algorithm)).parameters
    for attribute in attrs.fields(kind):
        if attribute.name not in {*SHARED, "implementation"} and attribute.default is not attrs.NOTHING:
            assert attribute.default == signature[attribute.name].default, attribute.name


@pytest.mark.parametrize(
    ("name", "foreach", "fused"),
    [("auto", None, None), ("foreach", True, None), ("fused", None, True), ("loop", False, None)],
)
def test_implementations_set_the_flags_of_torch(model, name, foreach, fused):
    (group,) = build_optimizer(model, AdamWSpec(implementation=name)).param_groups
    assert (group["foreach"], group["fused"]) == (foreach, fused)


def test_groups_carry_their_own_rates_and_the_initial_one_for_schedules(model):
    spec = AdamWSpec(
        lr=0.2,
        weight_decay=0.5,
        norm_decay_factor=0.0,
        rules={"last": ParameterRuleSpec(pattern="2.*", lr_factor=0.5)},
    )
    groups = build_optimizer(model, spec).param_groups
    assert [(g["lr"], g["initial_lr"], g["weight_decay"], len(g["params"])) for g in groups] == [
        (0.2, 0.2, 0.5, 2),
        (0.2, 0.2, 0.0, 2),
        (0.1, 0.1, 0.5, 2),
    ]


def test_two_builds_give_states_that_fit_each_other(model):
    spec = AdamWSpec(bias_lr_factor=2.0, norm_decay_factor=0.0)
    first = build_optimizer(model, spec)
    trained(model, first)
    second = build_optimizer(model, spec)
    second.load_state_dict(first.state_dict())
    assert [group["params"] for group in second.param_groups] == [group["params"] for group in first.param_groups]


def test_a_table_builds_too(model):
    optimizer = build_optimizer(
        model,
        {"type": "SGD", "lr": 0.02, "momentum": 0.9, "rules": {"first": {"pattern": "0.*", "frozen": True}}},
    )
    assert [parameter.requires_grad for parameter in model.parameters()] == [False] * 2 + [True] * 4
    assert optimizer.param_groups[0]["momentum"] == 0.9


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_without_dampening(options):
    with pytest.raises(SpecError, match="nesterov"):
        SGDSpec(lr=0.1, nesterov=True, **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGDSpec, {"lr": 0.0}),
        (AdamSpec, {"betas": (0.9, 1.0)}),
        (AdamWSpec, {"weight_decay": -1.0}),
        (RMSpropSpec, {"alpha": 1.0}),
    ],
)
def test_fields_have_ranges(kind, options):
    with pytest.raises(SpecError):
        kind(**options)
