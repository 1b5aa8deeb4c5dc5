"""A training step waits for the device nowhere: no operator whose result's shape or value must reach the host."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from specdet.models.detectors.build import build_detector
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.waiting import WaitCounter


def write_masked(x: Tensor) -> None:
    x[x > 0] = x[x > 0] * 2


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (lambda x: x.sum().item(), "_local_scalar_dense"),
        (lambda x: x.tolist(), "tolist"),
        (lambda x: x.numpy(), "numpy"),
        (lambda x: bool((x > 0).any()), "_local_scalar_dense"),
        (lambda x: (x > 0).nonzero(), "nonzero"),
        (lambda x: torch.where(x > 0), "nonzero"),
        (lambda x: x.masked_select(x > 0), "masked_select"),
        (lambda x: x.unique(), "_unique2"),
        (lambda x: x[x > 0], "index"),
        (write_masked, "index_put_"),
        (lambda x: x.new_tensor([1.0]), "lift_fresh"),
        (lambda x: torch.repeat_interleave(torch.tensor([1, 2])), "lift_fresh"),
    ],
)
def test_the_counter_counts(operation: Callable[[Tensor], object], name: str):
    with WaitCounter() as counter:
        operation(torch.arange(4.0) - 1)
    assert counter.waits[name] > 0


OTHER_CONVENTIONS = {
    "assigner": {"low_quality": "best_kept"},
    "exclude_padding": False,
    "allowed_border": 0,
    "average": "quota",
    "loss_normalizer": "global",
}


@pytest.mark.parametrize(
    ("loss", "train"),
    [
        ("L1", {}),
        ("SmoothL1", {}),
        ("IoU", {}),
        ("GIoU", {}),
        ("L1", OTHER_CONVENTIONS),
        ("L1", {"average": "sampled"}),
    ],
)
def test_a_training_step_waits_nowhere(loss: str, train: dict):
    model = small_rpn(train, loss)
    model(batch := make_batch([(64, 96), (50, 70)], [[[4.0, 8, 40, 50]], []]))  # makes the anchors of this size
    with WaitCounter() as counter:
        losses = model(batch)
        sum(losses.values()).backward()
        model.normalizers(batch)
    assert counter.operators > 500
    assert not counter.waits


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_sees_no_synchronisation():
    model = small_rpn({}, "GIoU").cuda()
    batch: Batch = make_batch([(64, 96), (50, 70)], [[[4.0, 8, 40, 50]], []]).to("cuda")
    sum(model(batch).values()).backward()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        sum(model(batch).values()).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(parameter.grad is not None for parameter in model.parameters())


def small_rpn(train: dict, loss: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_detector(
        {
            "type": "RPN",
            "backbone": {"type": "ResNet", "depth": 18, "base_channels": 16},
            "neck": {"type": "FPN", "out_channels": 16, "extra_levels": 1},
            "rpn_head": {"feat_channels": 16, "loss_box": {"type": loss}},
            "train": train,
        }
    )
