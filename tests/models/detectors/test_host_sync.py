"""A training step waits for the device nowhere: no operator whose result's shape or value must reach the host."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.models.batches import make_batch
from tests.models.detectors.every import EVERY, small_detector
from tests.models.small import small_rpn
from tests.models.waiting import WaitCounter, refused_waits, waits_of_a_step


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


SIZES = [(64, 96), (50, 70)]
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
    waits, _ = waits_of_a_step(
        small_rpn(rpn_head={"feat_channels": 16, "loss_box": {"type": loss}}, train=train),
        make_batch(SIZES, [[[4.0, 8, 40, 50]], []]),
    )
    assert not waits


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", [name for name, table in EVERY.items() if "roi_head" not in table])
def test_cuda_sees_no_synchronisation(name: str):
    model = small_detector(name).train().cuda()
    batch = make_batch(SIZES, [[[4.0, 8, 40, 50]], []]).to("cuda")
    sum(model(batch).values()).backward()
    with refused_waits():
        losses = model(batch)
        sum(losses.values()).backward()
    assert all(each.isfinite() for each in losses.values())
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)
