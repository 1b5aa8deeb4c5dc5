"""What all detectors share: their results in pixels of the original images."""

import attrs
import pytest
import torch

from specdet.boxes.nms import Kept
from specdet.models.detectors.base import detections_of
from tests.models.batches import make_batch


@pytest.mark.parametrize(("size", "original"), [(300, 640), (307, 233), (300, 321), (800, 427)])
def test_a_box_at_the_border_ends_there_in_the_original_image(size, original):
    batch = attrs.evolve(make_batch([(size, size)]), original_sizes=torch.tensor([[original, original]]))
    kept = Kept(indices=torch.zeros(1, 1).long(), scores=torch.ones(1, 1), valid=torch.ones(1, 1).bool())
    labels = torch.zeros(1, 1).long()
    (found,) = detections_of(torch.tensor([[[0.0, 0, size, size]]]), kept, labels=labels, batch=batch)
    assert (found.boxes[0, 2:] <= original).all()
    torch.testing.assert_close(found.boxes, torch.tensor([[0.0, 0, original, original]]))
