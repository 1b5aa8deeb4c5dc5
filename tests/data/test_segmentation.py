import functools
import json
import logging

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO

from specdet.data.build import build_dataset
from specdet.data.coco import read_coco
from specdet.data.collate import collate
from specdet.data.dataset import DetectionDataset
from specdet.data.record import RecordTable
from specdet.data.shapes import Shapes
from specdet.data.spec import ShapesSpec
from specdet.masks import rle
from specdet.spec import SpecError

# pycocotools has not yet followed numpy 2's protocol
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

POLYGON = [[10.5, 5, 29.25, 6, 28, 34.5, 12, 30], [11, 30, 20, 30, 20, 34]]
CROWD = {"size": [40, 60], "counts": [100, 30, 10, 20, 2240]}
MASK = np.zeros((1, 40, 60), dtype=np.uint8)
MASK[0, 30:40, 50:60] = np.random.default_rng(0).integers(0, 2, (10, 10))
TEXT = {"size": [40, 60], "counts": rle.encode(MASK)[0].decode()}


@pytest.fixture
def masked(coco):
    """The small data set, its objects with a polygon, run lengths and compressed run lengths."""
    for annotation, segmentation in zip(coco.data["annotations"], (POLYGON, CROWD, TEXT), strict=True):
        annotation["segmentation"] = segmentation
    coco.write()
    return coco


def read(folder, **wanted):
    return read_coco(folder.spec(), training=False, masks=True, **wanted)


def test_each_form_is_the_mask_that_pycocotools_makes_of_it(masked):
    dataset = DetectionDataset(read(masked), masks=True)
    theirs = COCO(masked.file)
    for index, image_id in enumerate((3, 13, 23)):
        masks = dataset[0, index].masks
        expected = [theirs.annToMask(each) for each in theirs.loadAnns(theirs.getAnnIds(image_id))]
        assert masks is not None
        assert (masks.dtype, tuple(masks.shape)) == (torch.uint8, (len(expected), 40, 60))
        assert np.array_equal(masks.numpy(), np.stack(expected) if expected else np.zeros((0, 40, 60)))


def test_the_ground_truth_has_the_masks_of_the_file(masked, tmp_path):
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(DetectionDataset(read(masked)).ground_truth()))
    ours, theirs = COCO(path), COCO(masked.file)
    for image_id in theirs.getImgIds():
        found, expected = (each.loadAnns(each.getAnnIds(image_id)) for each in (ours, theirs))
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(ours.annToMask(one), theirs.annToMask(other))


def test_who_wants_no_masks_gets_none_and_a_broken_one_does_not_matter(masked):
    masked.data["annotations"][0]["segmentation"] = "nonsense"
    masked.write()
    reader = read_coco(masked.spec(), training=False)
    assert reader.record(0).masks is None
    assert len(reader.table.masks) == len(reader.table.mask_ends) == 0
    assert DetectionDataset(reader)[0, 0].masks is None
    assert "segmentation" not in DetectionDataset(reader).ground_truth()["annotations"][0]


def test_masks_come_back_from_the_arrays_of_a_table(masked):
    table = read(masked).table
    again = RecordTable.of_arrays(table.arrays(), folder=table.folder)
    assert [again[index].masks for index in range(3)] == [table[index].masks for index in range(3)]
    assert [len(table[index].masks or ()) for index in range(3)] == [2, 1, 0]


def test_an_object_without_a_segmentation_keeps_its_box_and_is_told(masked, caplog):
    del masked.data["annotations"][0]["segmentation"]
    masked.data["annotations"][2]["segmentation"] = [[1, 2, 3, 4]]
    masked.write()
    with caplog.at_level(logging.WARNING, logger="specdet.data"):
        dataset = DetectionDataset(read(masked), masks=True)
    assert "objects without a segmentation: their boxes are learned" in caplog.text
    assert "(2): annotation 5 of 0.png; annotation 8 of 0.png" in caplog.text
    assert "outlines without three corners of two numbers each, left out (1): annotation 8" in caplog.text
    sample = dataset[0, 0]
    assert len(sample.boxes) == 2
    assert sample.masks is not None
    assert not sample.masks.any()
    assert ["segmentation" in each for each in dataset.ground_truth()["annotations"]] == [False, False, True]


def test_data_without_any_mask_is_refused(coco, messages):
    with pytest.raises(SpecError) as caught:
        read(coco)
    assert "no object has a segmentation, and the detector needs masks" in messages(caught.value)


DEEP: list = functools.reduce(lambda inner, _: [inner], range(900), [])  # read as JSON, but Python cannot print it


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("text", "neither lists"),
        ([1, 2, 3, 4, 5, 6], "neither lists"),
        ([[1, 2, 3, 4, 5, "6"]], "neither lists"),
        ([[1, 2, 3, 4, 5, None]], "neither lists"),
        ([[1, 2, 3, 4, 5, float("nan")]], "a number that is not finite"),
        ([[1, 2, 3, 4, 5, 1e9]], "farther from their image"),
        ([[1, 2, 3, 4, 5, 10**400]], "farther from their image"),
        ({"counts": [1]}, "neither lists"),
        ({"size": [40, 60], "counts": None}, "neither lists"),
        ({"size": [60, 40], "counts": [2400]}, "another size (height x width) than their image (1): "
                                               "annotation 5 of 0.png: 60 x 40 in 40 x 60"),
        ({"size": [DEEP, 60], "counts": [2400]}, "another size (height x width) than their image (1): "
                                                 "annotation 5 of 0.png: [[[[[["),
        ({"size": [40, 60], "counts": [2399]}, "they are of 2399 pixels, and the image has 2400"),
        ({"size": [40, 60], "counts": [2401, -1]}, "no whole number from 0 on"),
        ({"size": [40, 60], "counts": [2399.0, 1.0]}, "no whole number from 0 on"),
        ({"size": [40, 60], "counts": "22"}, "the run lengths are of 4 pixels, and the image has 2400"),
        ({"size": [40, 60], "counts": "\u00fc"}, "letters that are none of them"),
        ({"size": [40, 60], "counts": "ooooooooooo"}, "cannot be read"),
    ],
)  # fmt: skip
def test_a_bad_segmentation_is_named(masked, messages, bad, said):
    masked.data["annotations"][0]["segmentation"] = bad
    masked.write()
    with pytest.raises(SpecError) as caught:
        read(masked)
    assert said in messages(caught.value)
    assert "annotation 5 of 0.png" in messages(caught.value)
    assert [problem.path for problem in caught.value.problems] == ["annotations"]


def test_masks_of_images_that_are_missing_are_not_drawn(masked, messages):
    (masked.images / "0.png").unlink()
    with pytest.raises(SpecError) as caught:
        read(masked)
    assert "image files that do not exist" in messages(caught.value)
    assert "segmentation" not in messages(caught.value)


def test_masks_of_shapes_are_their_pixels():
    spec = ShapesSpec(count=4, seed=5)
    assert Shapes(spec).record(0).masks is None
    reader = Shapes(spec, masks=True)
    for index in range(4):
        record, layout = reader.record(index), reader.layout(index)
        assert record.masks is not None
        masks = rle.decode(record.masks, height=128, width=128)
        assert masks.sum(axis=(1, 2)).tolist() == record.area.tolist()
        for mask, shape in zip(masks, layout.shapes, strict=True):
            left, top, right, bottom = shape.box
            assert np.array_equal(mask[top:bottom, left:right], shape.mask)


def test_sets_of_a_type_without_masks_are_refused(voc, messages):
    voc.add("a", ("dog", (5, 5, 20, 20), 0))
    with pytest.raises(SpecError) as caught:
        build_dataset(
            {"type": "Voc", "folder": voc.folder, "split": "train"}, transforms={}, seed=0, training=True,
            masks="samples", path="data.train",
        )  # fmt: skip
    assert "spec data.train" in messages(caught.value)
    assert "has no masks" in messages(caught.value)


AUGMENT = {
    "flip": {"type": "Flip", "probability": 0.5},
    "turn": {"type": "Flip", "probability": 0.5, "direction": "vertical"},
    "resize": {"type": "Resize", "short_side": (64, 100, 200), "long_side": "any"},
    "colour": {"type": "Photometric"},
}


def test_masks_move_with_their_boxes_through_all_transforms():
    spec = {"type": "Shapes", "count": 30, "seed": 2}
    dataset = build_dataset(spec, transforms=AUGMENT, seed=1, training=True, masks="samples")
    for index in range(30):
        sample = dataset[0, index]
        assert sample.masks is not None
        assert tuple(sample.masks.shape) == (len(sample.boxes), *sample.size)
        for mask, box in zip(sample.masks, sample.boxes.tolist(), strict=True):
            rows, columns = np.nonzero(mask.numpy())
            found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            # Boxes of shapes are tight; taking the nearest pixel moves an edge by less than one before and one after.
            assert np.abs(np.array(found) - box).max() < 1 + max(sample.size) / 128


def test_truth_alone_leaves_samples_without_masks():
    dataset = build_dataset({"type": "Shapes", "count": 2}, transforms={}, seed=0, training=False, masks="truth")
    assert dataset[0, 0].masks is None
    assert set(dataset.ground_truth()["annotations"][0]["segmentation"]) == {"size", "counts"}


def test_several_sets_are_one_with_masks():
    parts = {"one": {"type": "Shapes", "count": 2}, "two": {"type": "Shapes", "count": 2, "seed": 9}}
    dataset = build_dataset(parts, transforms={}, seed=0, training=True, masks="samples")
    masks = dataset[0, 3].masks
    assert masks is not None
    assert masks.any(dim=(1, 2)).all()


def test_an_object_that_leaves_its_image_takes_its_mask_along(masked):
    class Shift:
        def __call__(self, sample, *, generator):
            sample.boxes[0] += 100.0
            return sample

    whole, cut = (DetectionDataset(read(masked), transforms=each, masks=True)[0, 0] for each in ([], [Shift()]))
    assert whole.masks is not None
    assert cut.masks is not None
    assert torch.equal(cut.masks, whole.masks[1:])
    assert type(cut.masks) is type(whole.masks)


def test_a_batch_pads_masks_and_gives_none_where_nobody_asked():
    def samples(masks: str):
        transforms = {"resize": {"type": "Resize", "short_side": (40, 72), "long_side": "any"}}
        spec = {"type": "Shapes", "count": 8, "size": 64}
        dataset = build_dataset(spec, transforms=transforms, seed=0, training=True, masks=masks)  # type: ignore[arg-type]
        return [dataset[0, index] for index in range(8)]

    plain = collate(samples("none"), size_divisor=32).targets
    assert plain is not None
    assert plain.masks is None
    made = samples("samples")
    batch = collate(made, size_divisor=32)
    assert batch.targets is not None
    masks = batch.targets.masks
    assert masks is not None
    assert masks.shape == (8, batch.targets.labels.shape[1], 96, 96)
    assert (masks.dtype, type(masks)) == (torch.uint8, torch.Tensor)
    for place, sample in enumerate(made):
        height, width = sample.size
        assert torch.equal(masks[place, : len(sample.labels), :height, :width], sample.masks.as_subclass(torch.Tensor))
        assert int(masks[place].sum()) == int(sample.masks.sum())
    moved = batch.to("cpu").targets
    assert moved is not None
    assert moved.masks is not None
