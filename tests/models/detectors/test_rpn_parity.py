"""Our RPN with torchvision's conventions and weights gives torchvision's anchors, proposals and losses."""

import pytest
import torch
from torch import Tensor
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.models.detection.image_list import ImageList

from specdet.models.detectors.build import build_detector
from specdet.models.samples import Samples
from specdet.structures import Batch
from tests.models.batches import make_batch
from tests.models.torchvision_weights import (
    TorchvisionRPN,
    give_random_weights,
    renamed_weights,
    rpn_outputs,
    rpn_table,
)

# P6 of an image that is 224 high is 4 cells high, the last of them half outside: 224 is no multiple of 64.
CASES = {
    "resnet18": [(224, 352), (200, 330)],
    "resnet50": [(160, 224), (96, 210)],
}
BOXES = [[[30.0, 40, 90, 130], [100, 20, 150, 45], [5, 5, 12, 14]], [[60.5, 10.25, 190, 88]]]


class Injected:
    """A sampler that gives what it was told, in torchvision's form or in ours."""

    def __init__(self, samples: Samples):
        self.samples = samples

    def __call__(self, matched, *, keys: Tensor | None = None, ids: Tensor | None = None):
        if keys is not None:
            self.matched = matched
            return self.samples
        self.labels = torch.stack(matched)
        chosen = []
        for columns, used in ((self.samples.pos, self.samples.pos_used), (self.samples.neg, self.samples.neg_used)):
            masks = torch.zeros(self.labels.shape, dtype=torch.uint8)
            for mask, own, own_used in zip(masks, columns, used, strict=True):
                mask[own[own_used]] = 1
            chosen.append(list(masks))
        return chosen


def as_torchvision(batch: Batch) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Images in 0..1 without padding, and targets without unused slots."""
    assert batch.targets is not None
    images = [image[:, :h, :w] / 255 for image, (h, w) in zip(batch.images, batch.sizes.tolist(), strict=True)]
    boxes = [own[used] for own, used in zip(batch.targets.boxes, batch.targets.valid, strict=True)]
    return images, [{"boxes": own, "labels": torch.ones(len(own), dtype=torch.int64)} for own in boxes]


@pytest.fixture(scope="module", params=CASES)
def pair(request):
    if request.param == "resnet18":
        theirs, norm = TorchvisionRPN(18), "FrozenBN"
    else:
        theirs = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)
        theirs.transform = TorchvisionRPN(18).transform
        norm = "BN"
    give_random_weights(theirs, seed=3)
    ours = build_detector(rpn_table(int(request.param.removeprefix("resnet")), norm=norm))
    ours.load_state_dict(renamed_weights(theirs.state_dict()))
    return theirs.eval(), ours.eval(), make_batch(CASES[request.param], BOXES)


def anchors_of(head, batch: Batch):
    size = (batch.images.shape[2], batch.images.shape[3])
    return head.anchor_generator(head.anchor_generator.feature_sizes(size), image_size=size, device=batch.images.device)


@pytest.mark.parametrize("size", [(480, 640), (224, 352), (800, 1344)])
def test_the_anchors_are_torchvisions(pair, size):
    theirs, ours, _ = pair
    batch = make_batch([size])
    levels = [torch.empty(1, 1, *side) for side in ours.rpn_head.anchor_generator.feature_sizes(size)]
    expected = theirs.rpn.anchor_generator(ImageList(batch.images, [size]), levels)[0]
    torch.testing.assert_close(anchors_of(ours.rpn_head, batch).boxes, expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_proposals_are_torchvisions(pair):
    theirs, ours, batch = pair
    boxes, scores, _ = rpn_outputs(theirs, *as_torchvision(batch))
    found = ours(batch)
    assert [len(each) for each in found] == [len(each) for each in boxes]
    assert all(len(each) > 50 for each in boxes)
    for own, own_boxes, own_scores in zip(found, boxes, scores, strict=True):
        torch.testing.assert_close(own.scores, own_scores, rtol=1e-5, atol=1e-6)
        # Scores that agree so far may come in another order, so each box is looked for among those of its score.
        apart = (own.boxes[:, None] - own_boxes).abs().amax(dim=-1)
        apart[(own.scores[:, None] - own_scores).abs() > 1e-5 * own_scores] = torch.inf
        tolerance = 1e-5 * batch.sizes.max()
        assert apart.amin(dim=0).max() < tolerance
        assert apart.amin(dim=1).max() < tolerance


@torch.no_grad()
def test_the_losses_are_torchvisions_for_the_same_sample(pair, monkeypatch):
    theirs, ours, batch = pair
    head = ours.rpn_head
    anchors = anchors_of(head, batch)
    matched, _ = head.match(anchors, batch)
    injected = Injected(head.sampler(matched, keys=batch.keys, ids=anchors.ids))
    monkeypatch.setattr(head, "sampler", injected)
    monkeypatch.setattr(theirs.rpn, "fg_bg_sampler", injected)
    monkeypatch.setattr(theirs.rpn, "training", True)

    _, _, expected = rpn_outputs(theirs, *as_torchvision(batch))
    found = ours(batch, returns="loss")

    assert injected.samples.pos_used.any(dim=1).all() and injected.samples.neg_used.any(dim=1).all()
    # 1, 0, -1 of theirs are positive, negative and ignored; ours are a slot, -1 and -2.
    assert torch.equal(injected.matched.clamp(max=0) + 1, injected.labels.long())
    torch.testing.assert_close(found["loss/rpn_cls"], expected["loss_objectness"], rtol=1e-5, atol=0)
    torch.testing.assert_close(found["loss/rpn_box"], expected["loss_rpn_box_reg"], rtol=1e-5, atol=0)
