import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from specdet.optim.groups import named_parameters, parameter_groups
from specdet.optim.spec import ParameterRuleSpec, SGDSpec
from specdet.spec import SpecError


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4))
        self.head = nn.Linear(4, 2)


def groups_of(model, **options):
    return parameter_groups(model, spec=SGDSpec(lr=1.0, **options), lr=1.0, weight_decay=1.0)


def treatment_of(model, **options):
    """Parameter name -> (lr, weight_decay) as torch will see them."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in groups_of(model, **options)
        for parameter in group["params"]
    }


def test_without_rules_there_is_one_group_in_model_order():
    model = Net()
    (group,) = groups_of(model)
    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]


def test_biases_and_norms_have_their_factors():
    seen = treatment_of(Net(), bias_lr_factor=2.0, bias_decay_factor=0.5, norm_decay_factor=0.0)
    assert seen == {
        "backbone.0.weight": (1.0, 1.0),
        "backbone.0.bias": (2.0, 0.5),
        "backbone.1.weight": (1.0, 0.0),
        "backbone.1.bias": (1.0, 0.0),
        "backbone.2.weight": (1.0, 1.0),
        "backbone.2.bias": (2.0, 0.5),
        "backbone.3.weight": (1.0, 0.0),
        "backbone.3.bias": (1.0, 0.0),
        "head.weight": (1.0, 1.0),
        "head.bias": (2.0, 0.5),
    }


def test_parameters_of_one_treatment_share_a_group():
    assert len(groups_of(Net(), bias_lr_factor=2.0, norm_decay_factor=0.0)) == 3


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm1d(4), nn.SyncBatchNorm(4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm(4), nn.RMSNorm(4)]
)
def test_every_norm_layer_counts_as_norm(norm):
    assert all(each.is_norm and not each.is_bias for each in named_parameters(nn.Sequential(norm)))


def test_a_rule_wins_over_the_factors_of_biases_and_leaves_what_it_does_not_say():
    rules = {"backbone": ParameterRuleSpec(pattern="backbone.*", lr_factor=0.1)}
    seen = treatment_of(Net(), bias_lr_factor=2.0, norm_decay_factor=0.0, rules=rules)
    assert seen["backbone.0.bias"] == (0.1, 1.0)
    assert seen["backbone.1.weight"] == (0.1, 0.0)
    assert seen["head.bias"] == (2.0, 1.0)


def test_the_last_matching_rule_wins_factor_by_factor():
    rules = {
        "all": ParameterRuleSpec(pattern="*", lr_factor=0.1, decay_factor=0.2),
        "stem": ParameterRuleSpec(pattern="backbone.0.*", lr_factor=0.3),
    }
    seen = treatment_of(Net(), rules=rules)
    assert seen["backbone.0.weight"] == (0.3, 0.2)
    assert seen["head.weight"] == (0.1, 0.2)
    swapped = treatment_of(Net(), rules=dict(reversed(rules.items())))
    assert swapped["backbone.0.weight"] == (0.1, 0.2)


def test_frozen_parameters_are_left_out_and_get_no_gradient():
    model = Net()
    model.head.weight.requires_grad_(False)
    rules = {
        "backbone": ParameterRuleSpec(pattern="backbone.*", frozen=True),
        "norm": ParameterRuleSpec(pattern="backbone.3.*", frozen=False),
    }
    assert set(treatment_of(model, rules=rules)) == {"backbone.3.weight", "backbone.3.bias", "head.bias"}
    assert [name for name, p in model.named_parameters() if p.requires_grad] == [
        "backbone.3.weight",
        "backbone.3.bias",
        "head.bias",
    ]


def test_a_model_that_is_all_frozen_is_an_error():
    with pytest.raises(SpecError, match="nothing to train"):
        groups_of(Net(), rules={"all": ParameterRuleSpec(pattern="*", frozen=True)})


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("backbon.*", "'backbone.*'"),
        ("head.wieght", "'head.weight'"),
        ("transformer.*", "the model has 'backbone.*', 'head.*'"),
    ],
)
def test_a_rule_that_matches_nothing_names_what_is_near(pattern, hint):
    with pytest.raises(SpecError) as caught:
        groups_of(Net(), rules={"mine": ParameterRuleSpec(pattern=pattern, lr_factor=0.1)})
    (problem,) = caught.value.problems
    assert problem.path == "optimizer.rules.mine.pattern"
    assert hint in problem.message


def test_all_rules_that_match_nothing_are_named_at_once():
    rules = {key: ParameterRuleSpec(pattern=key, lr_factor=0.1) for key in ("a.*", "*.weight", "b.*")}
    with pytest.raises(SpecError) as caught:
        groups_of(Net(), rules=rules)
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["optimizer.rules.a.*.pattern", "optimizer.rules.b.*.pattern"]


def test_a_rule_must_change_something():
    with pytest.raises(SpecError, match="changes nothing"):
        ParameterRuleSpec(pattern="*")


def test_a_shared_parameter_has_one_place_and_answers_to_all_its_names():
    model = Net()
    model.tail = model.head
    seen = treatment_of(model, rules={"tail": ParameterRuleSpec(pattern="tail.*", lr_factor=0.5)})
    assert seen["head.weight"] == seen["head.bias"] == (0.5, 1.0)
    assert len(list(itertools.chain(*(group["params"] for group in groups_of(model))))) == 10


RULES = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.builds(
        ParameterRuleSpec,
        pattern=st.sampled_from(["*", "backbone.*", "*.bias", "*.weight", "backbone.[13].*"]),
        lr_factor=st.sampled_from([0.0, 0.1, 2.0]),
        decay_factor=st.sampled_from([None, 0.0]),
    ),
)


@given(rules=RULES, norm=st.sampled_from([0.0, 1.0]), bias=st.sampled_from([1.0, 2.0]))
def test_no_parameter_is_lost_or_doubled_and_order_is_kept(rules, norm, bias):
    model = Net()
    place = {parameter: index for index, parameter in enumerate(model.parameters())}
    groups = groups_of(model, rules=rules, norm_decay_factor=norm, bias_lr_factor=bias)
    order = [[place[parameter] for parameter in group["params"]] for group in groups]
    assert sorted(itertools.chain(*order)) == list(range(len(place)))
    assert all(members == sorted(members) for members in order)
    assert [members[0] for members in order] == sorted(members[0] for members in order)
    settings = [(group["lr"], group["weight_decay"]) for group in groups]
    assert len(set(settings)) == len(settings)


def test_rules_can_freeze_the_first_layers_and_slow_the_others_down_the_more_the_earlier_they_are():
    model = nn.ModuleDict(
        {f"layer{depth}": nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)) for depth in range(1, 4)}
        | {"head": nn.Linear(4, 2)}
    )
    rules = {
        "stem": ParameterRuleSpec(pattern="layer1.*", frozen=True),
        **{
            f"stage {depth}": ParameterRuleSpec(pattern=f"layer{depth}.*", lr_factor=0.5 ** (4 - depth))
            for depth in (2, 3)
        },
        "norms": ParameterRuleSpec(pattern="layer?.1.*", decay_factor=0.0),
    }
    seen = treatment_of(model, rules=rules)
    assert not [name for name in seen if name.startswith("layer1.")]
    assert not any(parameter.requires_grad for parameter in model["layer1"].parameters())
    assert seen["layer2.0.weight"] == (0.25, 1.0)
    assert seen["layer2.1.weight"] == (0.25, 0.0)
    assert seen["layer3.0.weight"] == (0.5, 1.0)
    assert seen["head.weight"] == (1.0, 1.0)
