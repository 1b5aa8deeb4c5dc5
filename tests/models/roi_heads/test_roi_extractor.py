"""Boxes cut out of a pyramid, against torchvision's pooler; levels against torchvision's rule and the formulas."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import LevelMapper

from specdet.models.roi_heads import pool
from specdet.models.roi_heads.roi_extractor import RoIExtractor
from specdet.models.roi_heads.spec import RoIExtractorSpec
from tests.models.waiting import WaitCounter

STRIDES = (4, 8, 16, 32, 64)
SIZE = (256, 320)
side = st.floats(1, 2000, width=32)


def extractor(**fields) -> RoIExtractor:
    return RoIExtractor(RoIExtractorSpec(**fields), strides=STRIDES)


def pyramid(*, images: int = 2, channels: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(images, channels, SIZE[0] // stride, SIZE[1] // stride) for stride in STRIDES]
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def some_boxes(*, images: int = 2, count: int = 40) -> torch.Tensor:
    """Of all sizes, some of which reach out of the image."""
    generator = torch.Generator().manual_seed(1)
    corner = torch.rand(images, count, 2, generator=generator) * 200
    return torch.cat((corner, corner + 2 ** (torch.rand(images, count, 2, generator=generator) * 9)), dim=-1)


@settings(max_examples=200, deadline=None)
@given(width=side, height=side)
def test_torchvisions_levels(width, height):
    boxes = torch.tensor([[0.0, 0, width, height]])
    expected = LevelMapper(2, 5)([boxes])
    assert torch.equal(extractor(level_rule="torchvision").levels(boxes), expected)


@pytest.mark.parametrize("rule", ["mmdetection", "torchvision", "detectron2"])
@pytest.mark.parametrize("finest", [56.0, 28.0])
def test_each_doubling_is_a_level(rule, finest):
    found = extractor(level_rule=rule, finest_scale=finest)
    sizes = [1.0, 1.99 * finest, 2 * finest, 3.99 * finest, 4 * finest, 8 * finest, 100 * finest]
    boxes = torch.tensor([[10.0, 20, 10 + size, 20 + size] for size in sizes])
    assert found.levels(boxes).tolist() == [0, 0, 1, 1, 2, 3, 3]


@pytest.mark.parametrize(("rule", "expected"), [
    ("mmdetection", lambda size: math.log2(size / 56 + 1e-6)),
    ("torchvision", lambda size: 4 + math.log2(size / 224) + 1e-6 - 2),
    ("detectron2", lambda size: 4 + math.log2(size / 224 + 1e-8) - 2),
])  # fmt: skip
def test_the_levels_by_their_formulas(rule, expected):
    sizes = [size for size in range(1, 700) if size % 56 or size % 112]
    boxes = torch.tensor([[0.0, 0, size, size] for size in sizes])
    wanted = [min(3, max(0, math.floor(expected(size)))) for size in sizes]
    assert extractor(level_rule=rule).levels(boxes).tolist() == wanted


def test_boxes_without_an_area_are_of_the_finest_level():
    assert extractor().levels(torch.tensor([[5.0, 5, 5, 5], [9.0, 9, 3, 12]])).tolist() == [0, 0]


def everywhere(boxes, levels, level):
    return None, pool.moved_away(boxes, levels, level)


@pytest.mark.parametrize("path", ["chosen", "moved away"])
@pytest.mark.parametrize(("sampling_ratio", "aligned"), [(2, False), (0, True), (0, False)])
def test_features_and_gradients_are_torchvisions(monkeypatch, path, sampling_ratio, aligned):
    """On both ways, that of a CPU and that of a GPU; torchvision's pooler is not aligned, so its RoIAlign is."""
    if path == "moved away":
        monkeypatch.setattr(pool, "of_level", everywhere)
    if aligned:
        roi_align = torch.ops.torchvision.roi_align
        monkeypatch.setattr(
            "torchvision.ops.poolers.roi_align",
            lambda feature, rois, output_size, spatial_scale, sampling_ratio: roi_align(
                feature, rois, spatial_scale, *output_size, sampling_ratio, True
            ),
        )
    features, boxes = pyramid(), some_boxes()
    names = [str(level) for level in range(4)]
    theirs = MultiScaleRoIAlign(names, output_size=5, sampling_ratio=sampling_ratio)
    expected = theirs(dict(zip(names, features[:4], strict=True)), list(boxes), [SIZE, SIZE])
    ours = extractor(output_size=5, sampling_ratio=sampling_ratio, aligned=aligned, level_rule="torchvision")
    found = ours(features, boxes)
    assert len(ours.levels(boxes).unique()) == 4
    assert torch.equal(found, expected)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2))
    gradients = (torch.autograd.grad((each * weights).sum(), features[:4]) for each in (found, expected))
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)


def test_nothing_is_read_where_there_is_a_device_to_wait_for(monkeypatch):
    monkeypatch.setattr(pool, "of_level", everywhere)
    features, boxes = [each.detach() for each in pyramid()], some_boxes()
    flat = torch.cat((torch.zeros(80, 1), boxes.flatten(0, 1)), dim=1)
    levels, scales = extractor().levels(flat[:, 1:]), [1 / stride for stride in STRIDES]
    sizes = [side for feature in features for side in feature.shape]
    with WaitCounter() as counter:
        found = pool.pool_levels._init_fn(features, flat, levels, scales, 7, 0, True)
        pool.pool_levels_backward._init_fn(found, flat, levels, scales, 0, True, sizes)
    assert counter.operators > 20
    assert not counter.waits


def test_fewer_levels_serve_all_boxes():
    assert extractor(num_levels=2).levels(some_boxes()).max() == 1
    few = RoIExtractor(RoIExtractorSpec(), strides=(8, 16))
    assert few.levels(some_boxes()).max() == 1
    assert few(pyramid()[1:3], some_boxes()).shape == (80, 3, 7, 7)


def test_rough_features_are_pooled_exactly():
    features, boxes = [each.detach().bfloat16() for each in pyramid()], some_boxes()
    exact = extractor()([each.float() for each in features], boxes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = extractor()(features, boxes)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, exact.bfloat16())


def test_no_boxes_give_no_features():
    assert extractor()(pyramid(), torch.zeros(2, 0, 4)).shape == (0, 3, 7, 7)
