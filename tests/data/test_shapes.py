import hashlib
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from specdet.data.shapes import CLASSES, Shapes
from specdet.data.spec import ShapesSpec
from specdet.spec import SpecError


def shapes(**fields) -> Shapes:
    return Shapes(ShapesSpec(**{"count": 1000, **fields}))


def full_mask(shape, size: int) -> np.ndarray:
    canvas = np.zeros((size, size), dtype=np.bool_)
    left, top, right, bottom = shape.box
    canvas[top:bottom, left:right] = shape.mask
    return canvas


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), index=st.integers(0, 999))
def test_boxes_are_tight_and_within_the_limits(seed, index):
    reader = shapes(seed=seed)
    layout = reader.layout(index)
    assert 1 <= len(layout.shapes) <= 6
    for shape in layout.shapes:
        rows, columns = np.nonzero(full_mask(shape, 128))
        assert shape.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        sides = shape.box[2] - shape.box[0], shape.box[3] - shape.box[1]
        assert min(sides) >= 12
        assert max(sides) <= 64
    for one, other in combinations([shape.box for shape in layout.shapes], 2):
        width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
        height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
        smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
        assert width * height <= 0.3 * smaller


def test_an_image_depends_on_seed_and_index_alone():
    few, many = shapes(count=4, seed=5), shapes(count=1000, seed=5)
    backwards = [few.image(index) for index in (3, 2, 1, 0)][::-1]
    for index in range(4):
        assert (many.image(index) == backwards[index]).all()
        assert np.array_equal(many.record(index).boxes, few.record(index).boxes)
    assert (many.image(0) != many.image(1)).float().mean() > 0.5
    assert (many.image(0) != shapes(seed=6).image(0)).float().mean() > 0.5


def test_pixels_are_those_that_every_machine_draws():
    # Written down once: a change here changes the data set, and with it every result on it.
    reader = shapes(seed=1)
    digest = hashlib.sha256(b"".join(reader.image(index).numpy().tobytes() for index in range(8))).hexdigest()
    assert digest == "d8c48e013fc10b5d449a67dbf4a108257732112db67b38879012874c193016d7"


def test_visible_pixels_of_a_shape_have_its_colour():
    reader = shapes(noise=0.0)
    for index in range(20):
        image, layout = reader.image(index).numpy(), reader.layout(index)
        hidden = np.zeros((128, 128), dtype=np.bool_)
        for shape in reversed(layout.shapes):
            visible = full_mask(shape, 128) & ~hidden
            assert visible.any()
            assert (image[:, visible] == np.array(shape.colour)[:, None]).all()
            hidden |= full_mask(shape, 128)


def test_noise_has_the_deviation_asked_for():
    clean, noisy = shapes(noise=0.0), shapes(noise=12.0)
    differences = []
    for index in range(10):
        before, after = clean.image(index).numpy().astype(int), noisy.image(index).numpy().astype(int)
        unclipped = (before > 60) & (before < 195)
        differences.append((after - before)[unclipped])
    together = np.concatenate(differences)
    assert together.std() == pytest.approx(12.0, rel=0.01)
    assert together.mean() == pytest.approx(0.0, abs=0.1)


# pycocotools has not yet followed numpy 2's protocol
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_polygons_are_the_masks_as_coco_reads_them():
    reader = shapes()
    for index in range(20):
        record = reader.record(index)
        assert record.polygons is not None
        for polygon, shape, area in zip(record.polygons, reader.layout(index).shapes, record.area, strict=True):
            mask = full_mask(shape, 128)
            decoded = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([list(polygon)], 128, 128))) > 0
            # COCO also fills pixels that the outline only touches: a rim of one pixel is allowed to differ.
            assert (decoded & mask).sum() / (decoded | mask).sum() > 0.8
            assert area == mask.sum()


def test_all_classes_are_drawn_about_equally_often():
    reader = shapes(count=300)
    labels = np.concatenate([reader.record(index).labels for index in range(300)])
    assert reader.classes == CLASSES == ("ellipse", "rectangle", "triangle")
    assert (np.bincount(labels, minlength=3) / len(labels)).min() > 0.28


@pytest.mark.parametrize(
    ("fields", "path"),
    [({"min_objects": 7}, "min_objects"), ({"min_side": 40}, "min_side"), ({"size": 48}, "max_side")],
)
def test_limits_that_contradict_each_other_are_problems(fields, path):
    with pytest.raises(SpecError) as caught:
        ShapesSpec(count=1, **fields)
    assert [problem.path for problem in caught.value.problems] == [path]
