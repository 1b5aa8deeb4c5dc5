import attrs
import torch
from hypothesis import given
from hypothesis import strategies as st

from specdet.data.batch_shape import largest_batch, largest_batch_of
from specdet.data.collate import collate
from specdet.data.spec import CocoSpec, DataSpec, ShapesSpec
from specdet.data.transforms.spec import (
    FlipSpec,
    IoUCropSpec,
    PhotometricSpec,
    ResizeSpec,
    StretchSpec,
    ZoomOutSpec,
)
from specdet.spec import Spec, spec
from tests.data.conftest import make_sample

FILES = CocoSpec(images="images", annotations="train.json")  # pyright: ignore[reportArgumentType]


@spec
class RotateSpec(Spec):
    """A transform of a plugin."""


def shape_of(*transforms: Spec, train=FILES, **settings):
    named = {str(place): transform for place, transform in enumerate(transforms)}
    return largest_batch(DataSpec(train=train, train_transforms=named, **settings))


def test_drawn_images_have_the_size_they_are_drawn_in():
    sets = {"small": ShapesSpec(count=1, size=100), "large": ShapesSpec(count=1, size=130)}
    assert shape_of(train=sets) == (160, 160)
    assert shape_of(FlipSpec(), PhotometricSpec(), train=sets, size_divisor=1) == (130, 130)
    assert shape_of(ResizeSpec(short_side=(64,), long_side=1000), train=sets) == (64, 64)


def test_files_have_the_size_of_the_last_resize():
    coco = ResizeSpec(short_side=(640, 800), long_side=1333)
    assert shape_of(coco, FlipSpec()) == (800, 1344)
    assert shape_of(coco, ResizeSpec(short_side=(), long_side=320)) == (320, 320)
    assert shape_of(ResizeSpec(short_side=(800,), long_side=600)) == (608, 608)
    assert shape_of(coco, group_by_aspect=False) == (1344, 1344)
    assert shape_of(coco, group_by_aspect=False, images_per_device=1) == (800, 1344)


def test_what_is_stretched_has_a_known_size():
    assert shape_of(StretchSpec(height=300, width=200), FlipSpec(), size_divisor=1) == (300, 200)
    assert shape_of(RotateSpec(), StretchSpec(), train=ShapesSpec(count=1, size=100), size_divisor=1) == (300, 300)


def test_a_part_may_have_any_ratio_and_a_canvas_is_larger():
    drawn = ShapesSpec(count=1, size=100)
    resize = ResizeSpec(short_side=(64,), long_side=1000)
    assert shape_of(IoUCropSpec(), train=drawn, size_divisor=1) == (100, 100)
    assert shape_of(IoUCropSpec(), resize, train=drawn, group_by_aspect=False, size_divisor=1) == (1000, 1000)
    assert shape_of(ZoomOutSpec(max_factor=3.0), IoUCropSpec(), train=drawn, size_divisor=1) == (300, 300)
    assert shape_of(ZoomOutSpec(), StretchSpec(), size_divisor=1) == (300, 300)
    assert shape_of(ZoomOutSpec()) is None


def test_what_only_the_images_tell_is_not_guessed():
    assert shape_of(FlipSpec()) is None
    assert shape_of(ResizeSpec(short_side=(800,), long_side="any")) is None
    assert shape_of(ResizeSpec(), RotateSpec()) is None
    assert shape_of(RotateSpec(), ResizeSpec()) == (800, 1344)
    assert shape_of(train={"drawn": ShapesSpec(count=1), "files": FILES}) is None


@given(
    sizes=st.lists(st.tuples(st.integers(8, 400), st.integers(8, 400)), min_size=1, max_size=3),
    short=st.one_of(st.none(), st.integers(8, 200)),
    long=st.integers(8, 300),
    rounding=st.sampled_from(["nearest", "down"]),
    divisor=st.sampled_from([1, 32]),
)
def test_no_batch_is_larger(sizes, short, long, rounding, divisor):
    resize = ResizeSpec(short_side=() if short is None else (short,), long_side=long, rounding=rounding)
    bound = shape_of(resize, group_by_aspect=False, images_per_device=len(sizes), size_divisor=divisor)
    samples = [
        make_sample(torch.zeros(3, *resize.build().new_size(*size, short=short), dtype=torch.uint8), [])
        for size in sizes
    ]
    found = collate(samples, size_divisor=divisor).images.shape[-2:]
    assert bound is not None
    assert sorted(found)[0] <= min(bound) and sorted(found)[1] <= max(bound)


@given(
    sizes=st.lists(st.tuples(st.integers(8, 400), st.integers(8, 400)), min_size=1, max_size=6, unique=True),
    long=st.integers(8, 300),
    images=st.integers(1, 3),
    grouped=st.booleans(),
    divisor=st.sampled_from([1, 32]),
)
def test_known_sizes_tell_a_batch_that_none_exceeds(sizes, long, images, grouped, divisor):
    resize = ResizeSpec(short_side=(), long_side=long)
    data = DataSpec(train=FILES, train_transforms={"resize": resize}, images_per_device=images,
                    group_by_aspect=grouped, size_divisor=divisor)  # fmt: skip
    bound = largest_batch_of(data, sizes=sizes)
    assert bound is not None
    for height, width in sizes:
        for other in [(height, width)] if images == 1 else sizes:
            if grouped and (other[1] > other[0]) is not (width > height):
                continue
            pair = [
                make_sample(torch.zeros(3, *resize.build().new_size(*size, short=None), dtype=torch.uint8), [])
                for size in ((height, width), other)
            ]
            found = collate(pair, size_divisor=divisor).images.shape[-2:]
            assert found[0] * found[1] <= bound[0] * bound[1]


def test_known_sizes_do_not_help_with_an_unknown_transform():
    data = DataSpec(train=FILES, train_transforms={"turn": RotateSpec()})
    assert largest_batch_of(data, sizes=[(40, 60)]) is None
    assert largest_batch_of(attrs.evolve(data, train_transforms={}), sizes=[(40, 60), (60, 32)]) == (64, 64)
    alone = attrs.evolve(data, train_transforms={}, images_per_device=1)
    assert largest_batch_of(alone, sizes=[(40, 60), (60, 32)]) in [(64, 64), (64, 32)]
