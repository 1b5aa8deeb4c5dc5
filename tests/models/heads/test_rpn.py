"""The head alone: its start, and the order in which it says things."""

import pytest
import torch

from specdet.models.detectors.spec import RPNTrainSpec
from specdet.models.heads.rpn import RPNHead
from specdet.models.heads.spec import RPNHeadSpec


def head(*, channels=(8, 8), **fields) -> RPNHead:
    torch.manual_seed(0)
    spec = RPNHeadSpec(feat_channels=32, **fields)
    return RPNHead(spec, in_channels=channels, strides=(8, 16), train=RPNTrainSpec())


def test_weights_start_small_and_biases_at_zero():
    convolutions = [each for each in head(num_convs=2).modules() if isinstance(each, torch.nn.Conv2d)]
    assert [each.out_channels for each in convolutions] == [32, 32, 3, 12]
    assert all(each.bias.abs().sum() == 0 for each in convolutions)
    assert convolutions[1].weight.std().item() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_outputs_stand_in_the_order_of_the_anchors(layout):
    """A channel that tells its anchor, and a cell that tells its place, come out beside that anchor."""
    rows, columns, shapes = 3, 4, 3
    place = torch.arange(rows * columns).view(1, 1, rows, columns)
    logits = (torch.arange(shapes).view(1, shapes, 1, 1) * 100 + place).float().contiguous(memory_format=layout)
    deltas = torch.stack([logits + 1000 * side for side in range(4)], dim=2).flatten(1, 2)
    deltas = deltas.contiguous(memory_format=layout)
    small = [each[..., :2, :2].contiguous(memory_format=layout) for each in (logits, deltas)]
    found = head().flatten([logits, small[0]], [deltas, small[1]], image_size=(24, 32))
    assert found.anchors.counts == (36, 12)
    x, y = (found.anchors.cells[:36] / 8).unbind(-1)
    assert torch.equal(found.logits[0, :36] % 100, y * columns + x)
    assert torch.equal(found.logits[0, :36].div(100, rounding_mode="floor"), torch.arange(36) % shapes)
    assert torch.equal(found.deltas[0], torch.stack([found.logits[0] + 1000 * side for side in range(4)], dim=-1))
    sides = found.anchors.boxes[:36, 2:] - found.anchors.boxes[:36, :2]
    torch.testing.assert_close(sides[:, 1] / sides[:, 0], torch.tensor([0.5, 1.0, 2.0]).repeat(12))


def test_levels_of_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"levels of \[8, 16\] channels"):
        head(channels=(8, 16))
