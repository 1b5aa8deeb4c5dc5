"""The estimate against a real step, which keeps what it keeps."""

import attrs
import pytest
import torch
from torch import nn

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
from specdet.runner.hooks.ema import AveragedWeights
from specdet.runner.memory import Step, blank_batch, byte_count, kept_for_backward, training_memory
from specdet.runner.spec import EMAHookSpec
from specdet.spec.structure import structure_component
from tests.models.batches import make_batch
from tests.models.small import small_table
from tests.models.two_stage import two_stage_table

STEP = Step(images=2, size=(64, 96), size_divisor=32, accumulate=1, precision="fp32", device=torch.device("cpu"))
MODELS = {
    "frozen": small_table(),
    "trained": small_table(backbone={"type": "ResNet", "depth": 18, "base_channels": 8}),
    "normalised by groups": small_table(
        backbone={"type": "ResNet", "depth": 18, "base_channels": 8, "norm": "GN"},
        rpn_head={"feat_channels": 16, "anchors": {"sizes": [[16.0]] * 5}, "loss_box": {"type": "GIoU"}},
    ),
    "statistics fixed": small_table(backbone={"type": "ResNet", "depth": 50, "base_channels": 8, "norm_eval": True}),
    **{detector: two_stage_table(detector) for detector in ("FastRCNN", "FasterRCNN", "CascadeRCNN")},
}


def estimate(model: dict, step: Step = STEP, *, optimizer=None, hooks=None):
    spec = structure_component(model, family="detector")
    return training_memory(step, model=spec, optimizer=optimizer or SGDSpec(lr=0.1), hooks=hooks or {})


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("images", [1, 3])
def test_activations_are_those_of_a_real_step(name, images):
    model = structure_component(MODELS[name], family="detector").build().train()
    batch = make_batch([(64, 96)] * images, [[[4.0, 8, 40, 50]], [], [[0.0, 0, 20, 20]] * 3][:images])
    if name == "FastRCNN":
        batch = attrs.evolve(batch, proposals=torch.tensor([4.0, 8, 50, 60]).expand(images, 100, 4))
    real = kept_for_backward(model, batch, precision="fp32")
    assert real > 100_000
    assert estimate(MODELS[name], attrs.evolve(STEP, images=images)).activations == real


def test_autocast_is_reckoned_with():
    model = structure_component(MODELS["trained"], family="detector").build().train()
    step = attrs.evolve(STEP, images=4, precision="bf16")
    real = kept_for_backward(model, blank_batch(step), precision="bf16")
    assert estimate(MODELS["trained"], step).activations == pytest.approx(real, rel=0.01)  # statistics of BN aside
    full = kept_for_backward(model, blank_batch(step), precision="fp32")
    assert real < full


def test_activations_grow_in_proportion_to_the_images():
    one, two, many = (
        estimate(MODELS["trained"], attrs.evolve(STEP, images=images)).activations for images in (1, 2, 10_000)
    )
    assert many == one + 9_999 * (two - one)


@pytest.mark.parametrize(
    ("optimizer", "copies"),
    [
        (SGDSpec(lr=0.1), 0),
        (SGDSpec(lr=0.1, momentum=0.9), 1),
        (AdamSpec(), 2),
        (AdamWSpec(amsgrad=True), 3),
        (AdamWSpec(implementation="fused"), 2),
        (NAdamSpec(), 2),
        (RAdamSpec(implementation="loop"), 2),
        (RMSpropSpec(), 1),
        (RMSpropSpec(momentum=0.9, centered=True), 3),
        (AdagradSpec(), 1),
    ],
)
def test_optimizers_keep_as_many_numbers_for_each_weight_as_their_papers_say(optimizer, copies):
    found = estimate(MODELS["trained"], optimizer=optimizer)
    model = structure_component(MODELS["trained"], family="detector").build()
    weights = 4 * sum(parameter.numel() for parameter in model.parameters())
    assert (found.gradients, found.optimizer) == (weights, copies * weights)
    assert found.parameters == weights + byte_count(model.buffers())


def test_what_a_rule_freezes_takes_neither_gradients_nor_activations():
    rule = ParameterRuleSpec(pattern="backbone.*", frozen=True)
    whole = estimate(MODELS["trained"], optimizer=AdamSpec())
    part = estimate(MODELS["trained"], optimizer=AdamSpec(rules={"backbone": rule}))
    model = structure_component(MODELS["trained"], family="detector").build()
    assert whole.gradients - part.gradients == byte_count(model.backbone.parameters())
    assert part.optimizer == 2 * part.gradients
    assert part.activations < whole.activations
    assert part.parameters == whole.parameters


def test_averaged_weights_are_counted_where_their_hook_takes_part():
    model = structure_component(MODELS["frozen"], family="detector").build()
    kept = byte_count(AveragedWeights(model).tensors().values())
    assert estimate(MODELS["frozen"], hooks={"ema": EMAHookSpec()}).averages == kept
    assert estimate(MODELS["frozen"], hooks={"ema": EMAHookSpec(enabled=False)}).averages == 0


def test_all_batches_of_a_step_are_on_the_device_together():
    one, four = (estimate(MODELS["frozen"], attrs.evolve(STEP, accumulate=count)) for count in (1, 4))
    assert one.batch >= 2 * 3 * 64 * 96
    assert four.batch == 4 * one.batch
    assert four.total - one.total == 3 * one.batch


def test_memory_behind_several_views_counts_once():
    numbers = torch.zeros(10, dtype=torch.float16)
    assert byte_count([numbers[:5], numbers[5:], numbers.view(2, 5), nn.Parameter(torch.zeros(3))]) == 20 + 12
