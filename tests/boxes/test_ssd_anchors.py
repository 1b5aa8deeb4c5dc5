"""Default boxes against torchvision's generator and mmdetection's published sizes."""

import pytest
import torch
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

from specdet.boxes.spec import SSDAnchorsSpec
from specdet.boxes.ssd_anchors import SSDAnchors
from specdet.spec import SpecError

CPU = torch.device("cpu")
SSD300 = {
    "ratios": ((2.0,), (2.0, 3.0), (2.0, 3.0), (2.0, 3.0), (2.0,), (2.0,)),
    "scales": (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05),
    "steps": (8, 16, 32, 64, 100, 300),
}
SSDLITE = {"ratios": ((2.0, 3.0),) * 6, "min_scale": 0.2, "max_scale": 0.95}
CASES = {
    "ssd300": (SSD300, (300, 300), (38, 19, 10, 5, 3, 1)),
    "ssdlite": (SSDLITE, (320, 320), (20, 10, 5, 3, 2, 1)),
    "wide": (SSDLITE, (160, 320), (20, 10, 5, 3, 2, 1)),
    "one level": ({"ratios": ((2.0,),), "min_scale": 0.2, "max_scale": 0.8}, (96, 64), (7,)),
    "not clipped": (SSD300 | {"clip": False}, (300, 300), (38, 19, 10, 5, 3, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_torchvisions_conventions_give_torchvisions_anchors(name):
    fields, size, sides = CASES[name]
    spec = SSDAnchorsSpec(**fields)
    levels = [(side, side) for side in sides]
    theirs = DefaultBoxGenerator(
        [list(each) for each in spec.ratios],
        min_ratio=spec.min_scale,
        max_ratio=spec.max_scale,
        scales=spec.scales and list(spec.scales),
        steps=spec.steps and list(spec.steps),
        clip=spec.clip,
    )
    features = [torch.zeros(1, 1, *level) for level in levels]
    expected = theirs(ImageList(torch.zeros(1, 3, *size), [size]), features)[0]
    ours = SSDAnchors(spec, strides=[1] * len(sides))
    found = ours(levels, image_size=size, device=CPU)
    torch.testing.assert_close(found.boxes, expected, rtol=1e-6, atol=1e-4)
    assert ours.counts == tuple(theirs.num_anchors_per_location())
    assert found.counts == tuple(side * side * count for side, count in zip(sides, ours.counts, strict=True))
    assert len(found.ids.unique()) == len(found.ids)


def test_sizes_in_pixels_are_those_of_mmdetections_ssd300():
    """21, 45, 99 ... px, which are 0.07, 0.15, 0.33 ... of 300; nothing is clipped."""
    sizes = (21.0, 45.0, 99.0, 153.0, 207.0, 261.0, 315.0)
    levels = [(side, side) for side in (38, 19, 10, 5, 3, 1)]
    shares = SSDAnchors(SSDAnchorsSpec(**SSD300, clip=False), strides=[1] * 6)
    pixels = SSDAnchors(SSDAnchorsSpec(**{**SSD300, "scales": None}, sizes=sizes, clip=False), strides=[1] * 6)
    expected = shares(levels, image_size=(300, 300), device=CPU).boxes
    torch.testing.assert_close(pixels(levels, image_size=(300, 300), device=CPU).boxes, expected, rtol=1e-6, atol=1e-4)
    last = pixels.extents(5, (300, 300))
    torch.testing.assert_close(last[0], torch.tensor([261.0, 261.0]))
    torch.testing.assert_close(last[2], torch.tensor([261 * 2**0.5, 261 / 2**0.5]))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"scales": (0.1, 0.2)}, "scales"),
        ({"sizes": (10.0,) * 6}, "sizes"),
        ({"sizes": (10.0,) * 7, "scales": (0.1,) * 7}, "sizes"),
        ({"steps": (8.0,)}, "steps"),
        ({"min_scale": 0.95}, "min_scale"),
        ({"ratios": ()}, "ratios"),
    ],
)
def test_numbers_that_do_not_fit_the_levels_are_problems(fields, path):
    with pytest.raises(SpecError) as caught:
        SSDAnchorsSpec(**fields)
    assert [problem.path for problem in caught.value.problems] == [path]


def test_other_numbers_of_levels_are_refused():
    with pytest.raises(ValueError, match="has 6 levels, but the pyramid has 2"):
        SSDAnchors(SSDAnchorsSpec(), strides=(8, 16))
