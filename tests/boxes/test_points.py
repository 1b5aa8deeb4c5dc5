"""Points against torchvision's anchors of one stride, and by hand."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from specdet.boxes.points import PointGenerator
from specdet.boxes.spec import PointsSpec

CPU = torch.device("cpu")
STRIDES = (8, 16, 32, 64, 128)


@pytest.mark.parametrize("size", [(224, 352), (256, 256)])
def test_torchvisions_conventions_give_the_centres_of_its_anchors(size):
    """224 is no multiple of 64: its four cells there are 56 px apart in torchvision."""
    ours = PointGenerator(PointsSpec(offset=0.0, stride_from="image"), strides=STRIDES)
    levels = ours.feature_sizes(size)
    theirs = AnchorGenerator(tuple((stride,) for stride in STRIDES), ((1.0,),) * 5)
    boxes = theirs(ImageList(torch.zeros(1, 3, *size), [size]), [torch.zeros(1, 1, *level) for level in levels])[0]
    points = ours(levels, image_size=size, device=CPU)
    torch.testing.assert_close(points.centers, (boxes[:, :2] + boxes[:, 2:]) / 2)
    torch.testing.assert_close(points.strides, boxes[:, 2] - boxes[:, 0])
    assert sum(points.counts) == len(boxes)
    assert torch.equal(torch.tensor(STRIDES).float()[points.levels], points.strides)


def test_mmdetections_points_are_the_middles_of_cells():
    generator = PointGenerator(PointsSpec(), strides=(4, 8))
    points = generator(generator.feature_sizes((8, 12)), image_size=(8, 12), device=CPU)
    expected = [[x, y] for y in (2, 6) for x in (2, 6, 10)] + [[4, 4], [12, 4]]
    assert points.centers.tolist() == expected
    assert points.counts == (6, 2)
    assert generator(((2, 3), (1, 2)), image_size=(8, 12), device=CPU) is points


def test_boxes_and_distances_undo_each_other():
    generator = PointGenerator(PointsSpec(), strides=(8,))
    points = generator(((2, 2),), image_size=(16, 16), device=CPU)
    boxes = torch.tensor([[1.0, 2.0, 30.0, 17.0]]).expand(3, 4, 4)
    distances = points.distances(boxes)
    assert distances[0, 1].tolist() == [12 - 1, 4 - 2, 30 - 12, 17 - 4]
    torch.testing.assert_close(points.boxes(distances), boxes)
    index = torch.tensor([[3, 0]])
    torch.testing.assert_close(points.at(index).boxes(distances[:1, [3, 0]]), boxes[:1, :2])


def test_points_are_made_without_content():
    generator = PointGenerator(PointsSpec(), strides=STRIDES)
    with FakeTensorMode():
        points = generator(generator.feature_sizes((64, 96)), image_size=(64, 96), device=CPU)
    assert points.centers.shape == (8 * 12 + 4 * 6 + 2 * 3 + 1 * 2 + 1, 2)
