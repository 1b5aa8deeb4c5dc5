import pytest
import torch

from specdet.checks.step_time import made_up_batch, measured_step
from specdet.experiment import load
from specdet.runner.memory import Step

CPU = torch.device("cpu")
SMALL = ["model.backbone.base_channels=8", "model.neck.out_channels=16", "model.rpn_head.feat_channels=16"]


def test_made_up_boxes_lie_in_their_images():
    step = Step(images=3, size=(40, 70), size_divisor=1, accumulate=1, precision="fp32", device=CPU)
    batch = made_up_batch(step, generator=torch.Generator().manual_seed(1))
    assert batch.targets is not None
    boxes = batch.targets.boxes[batch.targets.valid]
    assert batch.images.shape == (3, 3, 40, 70)
    assert len(boxes) == 3 * 8
    assert (boxes[:, 2:] - boxes[:, :2] >= 1).all()
    assert boxes.min() >= 0
    assert (boxes[:, 2] <= 70).all() and (boxes[:, 3] <= 40).all()


def test_nothing_is_tried_that_would_not_fit():
    with pytest.raises(ValueError, match="more memory than is free"):
        measured_step(load("specdet:rpn.toml"), device=CPU, size=(64, 64), needed=1 << 60)


def test_the_random_numbers_of_the_caller_stay_as_they_were():
    threads, before = torch.get_num_threads(), torch.get_rng_state()
    experiment = load("specdet:rpn.toml", [*SMALL, "data.images_per_device=1", "train.threads_per_process=1"])
    found = measured_step(experiment, device=CPU, size=(64, 64), needed=1)
    torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.seconds > 0
