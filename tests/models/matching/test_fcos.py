"""The batched matching of points against one that looks at each point and box in turn."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.boxes.points import PointGenerator
from specdet.boxes.spec import PointsSpec
from specdet.models.matching.fcos import FCOSAssigner
from specdet.models.matching.spec import FCOSAssignerSpec
from specdet.spec import SpecError

STRIDES = (8, 16)
IMAGE = (48, 64)


def points_of(offset: float = 0.5):
    generator = PointGenerator(PointsSpec(offset=offset), strides=STRIDES)
    return generator(generator.feature_sizes(IMAGE), image_size=IMAGE, device=torch.device("cpu"))


def slow(spec: FCOSAssignerSpec, points, boxes, valid) -> list[int]:
    """One image, as the paper tells it."""
    borders = spec.borders or [8 * stride for stride in STRIDES[:-1]]
    ranges = list(zip([0, *borders], [*borders, math.inf], strict=True))
    matched = []
    for (x, y), stride, level in zip(
        points.centers.tolist(), points.strides.tolist(), points.levels.tolist(), strict=True
    ):
        best, best_area = -1, math.inf
        for slot, ((x1, y1, x2, y2), counts) in enumerate(zip(boxes, valid, strict=True)):
            sides = (x - x1, y - y1, x2 - x, y2 - y)
            low, high = ranges[level]
            if not counts or min(sides) <= 0:
                continue
            farthest = max(sides)
            in_range = low <= farthest <= high if spec.closed else low < farthest < high
            radius = math.inf if spec.center_radius is None else spec.center_radius * stride
            central = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2)) < radius
            area = (x2 - x1) * (y2 - y1)
            if in_range and central and area < best_area:
                best, best_area = slot, area
        matched.append(best)
    return matched


CORNER = st.tuples(st.integers(0, 60), st.integers(0, 44), st.integers(1, 64), st.integers(1, 48))
BOXES = st.lists(CORNER.map(lambda c: (c[0], c[1], c[0] + c[2], c[1] + c[3])), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(
    images=st.tuples(BOXES, BOXES),
    left_out=st.sets(st.integers(0, 4)),
    radius=st.sampled_from([None, 0.5, 1.5]),
    borders=st.sampled_from([None, (20.0,)]),
    closed=st.booleans(),
    offset=st.sampled_from([0.0, 0.5]),
)
def test_it_is_the_slow_matching(images, left_out, radius, borders, closed, offset):
    spec = FCOSAssignerSpec(center_radius=radius, borders=borders, closed=closed)
    points = points_of(offset)
    slots = max(map(len, images))
    boxes, valid = torch.zeros(2, slots, 4), torch.zeros(2, slots, dtype=torch.bool)
    for image, own in enumerate(images):
        boxes[image, : len(own)] = torch.tensor(own).float()
        valid[image, : len(own)] = torch.tensor([slot not in left_out for slot in range(len(own))])
    found = FCOSAssigner(spec, strides=STRIDES)(points, boxes, valid=valid)
    assert found.tolist() == [slow(spec, points, boxes[i].tolist(), valid[i].tolist()) for i in range(2)]


def test_a_side_at_a_border_is_for_both_levels_or_for_neither():
    """The point at (4, 4) of the first level and that at (8, 8) of the second: their boxes end 64 px away."""
    points = points_of()
    first, second = 0, points.counts[0]
    boxes = torch.tensor([[[0.0, 0, 68, 9]], [[0.0, 0, 72, 9]]])
    for closed in (True, False):
        assigner = FCOSAssigner(FCOSAssignerSpec(closed=closed), strides=STRIDES)
        found = assigner(points, boxes, valid=torch.ones(2, 1, dtype=torch.bool))
        assert (found[0, first] == 0, found[1, second] == 0) == (closed, closed)


def test_borders_must_fit_the_levels():
    with pytest.raises(ValueError, match="2 items, but 2 levels have 1 borders"):
        FCOSAssigner(FCOSAssignerSpec(borders=(9.0, 12.0)), strides=STRIDES)
    with pytest.raises(SpecError, match="borders: must grow"):
        FCOSAssignerSpec(borders=(64.0, 32.0))
