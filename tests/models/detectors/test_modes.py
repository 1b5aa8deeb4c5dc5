"""Losses in evaluation mode, as validation asks for them, and images in batches of other images."""

from typing import Any

import attrs
import pytest
import torch
from torch import distributed

from specdet.models.detectors.build import build_detector
from specdet.spec.merge import merge
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.detectors.every import EVERY, small_detector
from tests.models.mask_rcnn import with_masks

SIZE = (64, 96)
BOXES = [[[10.0, 12, 50, 60], [60, 30, 90, 60]], [[20.0, 20, 52, 58]], []]


def batch_of(boxes: list[list[list[float]]] = BOXES) -> Batch:
    """Images as large as the batch, so that padding changes nothing, with masks and proposals."""
    batch = make_batch([SIZE] * len(boxes), boxes)
    corners = torch.rand(len(batch), 40, 2, 2, generator=torch.Generator().manual_seed(0))
    proposals = (corners.sort(dim=2).values * batch.sizes.flip(-1)[:, None, None]).flatten(2)
    return with_masks(attrs.evolve(batch, proposals=proposals))


def part_of(batch: Batch, images: list[int]) -> Batch:
    """These images of a batch."""
    assert batch.targets is not None

    def own(of: Any, *names: str) -> Any:
        return attrs.evolve(of, **{name: getattr(of, name)[images] for name in names})

    targets = own(batch.targets, "boxes", "labels", "crowd", "masks")
    return attrs.evolve(
        own(batch, "images", "sizes", "original_sizes", "image_ids", "keys", "proposals"), targets=targets
    )


def counted_globally(name: str) -> dict[str, Any]:
    """The table of a detector, all of whose losses are divided by the mean over processes."""
    table = EVERY[name]
    whole = {"loss_normalizer": "global"}
    if "roi_head" not in table:
        return merge(table, {"train": whole})
    return merge(table, {"train": {"roi": whole, **({"rpn": whole} if "rpn_head" in table else {})}})


@pytest.mark.parametrize("name", EVERY)
def test_losses_in_evaluation_mode_wait_for_no_other_process(name, monkeypatch):
    """One process may have more batches of the validation set than another; in training they have equally many."""
    asked = []
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_reduce", lambda tensor: asked.append(tensor))
    torch.manual_seed(0)
    model = build_detector(counted_globally(name))
    with torch.no_grad():
        model.eval()(batch_of(), returns="loss")
        assert not asked
        model.train()(batch_of())
    assert asked


@pytest.mark.parametrize("name", EVERY)
def test_losses_in_evaluation_mode_change_nothing_and_repeat(name):
    model, batch = small_detector(name).eval(), batch_of()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        first, again = (model(batch, returns="loss") for _ in range(2))
    assert first.keys() == again.keys() and all(value.equal(again[key]) for key, value in first.items())
    assert all(value.equal(before[key]) for key, value in model.state_dict().items())
    assert not model.training and set(first) == set(small_detector(name).train()(batch))


@pytest.mark.parametrize("name", EVERY)
def test_an_image_has_the_same_losses_alone_and_among_others(name):
    """Each loss is a sum over images once it is divided by the same number everywhere."""
    model, batch = small_detector(name).eval(), batch_of()
    with torch.no_grad():
        names = list(model(batch, returns="loss"))
        batch = attrs.evolve(batch, normalizers={each: torch.tensor(64.0) for each in names})
        found = {
            images: model(part_of(batch, [*images]), returns="loss") for images in ((0, 1, 2), (0,), (2, 1), (1,), (2,))
        }
    for loss in names:
        alone = [found[(image,)][loss] for image in range(3)]
        torch.testing.assert_close(found[(0, 1, 2)][loss], sum(alone), rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(found[(2, 1)][loss], alone[1] + alone[2], rtol=1e-4, atol=1e-6)
