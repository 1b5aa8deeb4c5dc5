"""Anchors against torchvision's generator and published numbers."""

import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchors
from torchvision.models.detection.image_list import ImageList

from specdet.boxes.anchors import AnchorGenerator
from specdet.boxes.grids import CACHED_GRIDS
from specdet.boxes.spec import AnchorGeneratorSpec
from specdet.spec import SpecError

CPU = torch.device("cpu")
STRIDES = (4, 8, 16, 32, 64)


@pytest.mark.parametrize("image_size", [(128, 192), (160, 224)])
def test_torchvisions_conventions_give_torchvisions_anchors(image_size):
    ratios = (0.5, 1.0, 2.0)
    sizes = ((32,), (64,), (128,), (256,), (512,))
    generator = AnchorGenerator(
        AnchorGeneratorSpec(sizes=sizes, ratios=ratios, rounding=True, stride_from="image"), strides=STRIDES
    )
    shapes = generator.feature_sizes(image_size)
    theirs = TorchvisionAnchors(sizes, (ratios,) * 5)
    images = ImageList(torch.zeros(1, 3, *image_size), [image_size])
    expected = theirs(images, [torch.zeros(1, 1, *shape) for shape in shapes])[0]
    anchors = generator(shapes, image_size=image_size, device=CPU)
    torch.testing.assert_close(anchors.boxes, expected, rtol=0, atol=1e-5)
    assert sum(anchors.counts) == len(expected)


def test_mmdetections_conventions_by_hand():
    generator = AnchorGenerator(AnchorGeneratorSpec(scales=(8.0,), ratios=(0.5, 1.0, 2.0)), strides=(4,))
    anchors = generator([(2, 2)], image_size=(8, 8), device=CPU).boxes
    half, root = 16, 2**0.5
    wide, tall = (half * root, half / root), (half / root, half * root)
    expected = [[x - w, y - h, x + w, y + h] for y in (0, 4) for x in (0, 4) for w, h in (wide, (half, half), tall)]
    torch.testing.assert_close(anchors, torch.tensor(expected))


def test_octaves_are_divided_evenly():
    """RetinaNet (arXiv:1708.02002): 2^0, 2^(1/3) and 2^(2/3) times four strides."""
    generator = AnchorGenerator(AnchorGeneratorSpec(scales=(4.0,), scales_per_octave=3), strides=(8, 16))
    assert generator.anchors_per_cell == 9
    squares = [(cell[3:6, 2] - cell[3:6, 0]).tolist() for cell in generator.cell_anchors]
    assert squares == [pytest.approx([side, side * 2 ** (1 / 3), side * 2 ** (2 / 3)]) for side in (32, 64)]
    two = AnchorGenerator(AnchorGeneratorSpec(scales=(2.0, 8.0), ratios=(1.0,), scales_per_octave=2), strides=(4,))
    sides = (two.cell_anchors[0][:, 2] - two.cell_anchors[0][:, 0]).tolist()
    assert sides == pytest.approx([8, 8 * 2**0.5, 32, 32 * 2**0.5])


def test_orders_hold_the_same_anchors_in_another_order():
    by_ratio, by_size = (
        AnchorGenerator(AnchorGeneratorSpec(scales=(4.0, 8.0), order=order), strides=(8,)).cell_anchors[0]
        for order in ("ratio-major", "size-major")
    )
    torch.testing.assert_close(by_ratio.view(3, 2, 4).transpose(0, 1).reshape(6, 4), by_size)


def test_centres_move_by_the_offset():
    at_corner, at_centre = (
        AnchorGenerator(AnchorGeneratorSpec(center_offset=offset), strides=(16,)).cell_anchors[0] for offset in (0, 0.5)
    )
    torch.testing.assert_close(at_centre - at_corner, torch.full((3, 4), 8.0))


def test_anchors_of_padding_and_beyond_the_border_are_told():
    generator = AnchorGenerator(AnchorGeneratorSpec(scales=(1.0,), ratios=(1.0,)), strides=(8,))
    anchors = generator([(2, 3)], image_size=(16, 24), device=CPU)  # anchors reach 4 px to each side of 0, 8, 16
    sizes = torch.tensor([[16, 24], [8, 16], [16, 20]])
    assert anchors.within(sizes).tolist() == [[True] * 6, [True, True, False, False, False, False], [True] * 6]
    inside = anchors.inside(sizes, border=0)
    assert inside.tolist() == [[False, False, False, False, True, True], [False] * 6, [False] * 4 + [True, False]]
    assert anchors.inside(sizes[:1], border=5).all()


def test_a_grid_is_made_once_and_not_all_are_kept():
    generator = AnchorGenerator(AnchorGeneratorSpec(), strides=(32,))
    first = generator([(1, 1)], image_size=(32, 32), device=CPU)
    assert generator([(1, 1)], image_size=(20, 20), device=CPU) is first
    for columns in range(2, CACHED_GRIDS + 2):
        generator([(1, columns)], image_size=(32, 32), device=CPU)
    assert generator([(1, 1)], image_size=(32, 32), device=CPU) is not first


def test_a_grid_made_in_an_evaluation_serves_training():
    generator = AnchorGenerator(AnchorGeneratorSpec(), strides=(32,))
    with torch.inference_mode():
        anchors = generator([(1, 2)], image_size=(32, 64), device=CPU)
    scale = torch.ones(4, requires_grad=True)
    (anchors.boxes * scale).sum().backward()
    assert torch.equal(scale.grad, anchors.boxes.sum(dim=0))


def test_sizes_for_another_number_of_levels_are_refused():
    with pytest.raises(ValueError, match="1 levels, but the pyramid has 2"):
        AnchorGenerator(AnchorGeneratorSpec(sizes=((32.0,),)), strides=(8, 16))
    with pytest.raises(SpecError, match="at least 1 item"):
        AnchorGeneratorSpec(sizes=((32.0,), ()))


def test_an_id_belongs_to_level_cell_and_shape_in_pyramids_of_any_size():
    generator = AnchorGeneratorSpec(scales=(4.0, 8.0)).build(strides=(4, 8, 16, 32, 64))
    known = []
    for size in ((96, 160), (160, 224)):
        anchors = generator(generator.feature_sizes(size), image_size=size, device=torch.device("cpu"))
        ids = anchors.ids.tolist()
        assert len(set(ids)) == len(ids) == len(anchors.boxes)
        assert min(ids) >= 0 and max(ids) < 2**32
        known.append(dict(zip(ids, anchors.boxes.tolist(), strict=True)))
    small, large = known
    assert small.keys() < large.keys()
    assert all(large[each] == box for each, box in small.items())
