"""Stored proposals: their file, their way through the transforms, and what is told of files that do not fit."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from specdet.data.build import build_dataset
from specdet.data.check import check_data
from specdet.data.collate import collate
from specdet.data.proposals import proposals_file, read_proposals
from specdet.data.shapes import Shapes
from specdet.data.spec import DataSpec, ShapesSpec
from specdet.spec import SpecError
from specdet.structures import Detections

SHAPES = {"type": "Shapes", "count": 4, "size": 64}
MOVED = {
    "resize": {"type": "Resize", "short_side": [128], "long_side": "any"},
    "flip": {"type": "Flip", "probability": 1.0},
}


def found(*boxes) -> Detections:
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    scores = torch.linspace(0.9, 0.1, len(boxes))
    return Detections(boxes=boxes, scores=scores, labels=torch.zeros(len(boxes), dtype=torch.int64))


DETECTIONS = {
    0: found([2, 4, 10, 20], [0, 0, 64, 64], [-5, 60, 3, 70]),
    1: found(),
    2: found([1, 1, 2, 2]),
    3: found([70, 70, 90, 90]),  # lies outside
}


@pytest.fixture
def stored(tmp_path):
    reader = Shapes(ShapesSpec(count=4, size=64), training=False)
    file = tmp_path / "proposals.safetensors"
    file.write_bytes(proposals_file(reader, DETECTIONS, origin={"detector": "of a test"}))
    return file


def data(stored, **fields) -> DataSpec:
    return DataSpec(train=SHAPES, train_proposals=stored, **fields)


def test_what_was_found_is_read_back(stored):
    proposals = read_proposals(stored)
    assert proposals.slots == 3
    for image_id, detections in DETECTIONS.items():
        read = proposals.of(image_id)
        assert np.array_equal(read[: len(detections)], detections.boxes.numpy())
        assert not read[len(detections) :].any()
    assert np.array_equal(read_proposals(stored, limit=1).of(0), [[2, 4, 10, 20]])  # the best


def test_boxes_go_with_the_image_and_are_padded_to_the_slots_of_the_whole_set(stored):
    dataset = build_dataset(SHAPES, transforms=MOVED, seed=0, training=True, proposals=stored, path="data.train")
    batch = collate([dataset[0, 0], dataset[0, 1]], size_divisor=32)
    # twice as large and mirrored: x becomes 128 - 2x; what reaches out of the image is cut
    expected = [[108, 8, 124, 40], [0, 0, 128, 128], [122, 120, 128, 128]]
    assert batch.proposals is not None
    assert batch.proposals[0].tolist() == expected
    width, height = (batch.proposals[1, :, 2:] - batch.proposals[1, :, :2]).unbind(1)
    assert batch.proposals.shape == (2, 3, 4)
    assert not (width * height).any()  # the image without proposals has none
    outside = collate([dataset[0, 3]], size_divisor=32).proposals
    assert outside is not None and outside.shape == (1, 3, 4)
    assert not ((outside[..., 2] - outside[..., 0]) * (outside[..., 3] - outside[..., 1])).any()


def test_without_a_file_a_batch_has_none():
    dataset = build_dataset(SHAPES, transforms=MOVED, seed=0, training=True)
    assert collate([dataset[0, 0]], size_divisor=32).proposals is None


def test_a_missing_file_is_what_the_machine_lacks(tmp_path):
    (problem,) = check_data(data(tmp_path / "none.safetensors")).problems
    assert (problem.path, problem.kind) == ("train_proposals", "environment")
    assert "none.safetensors does not exist: specdet proposals writes such a file" in problem.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 5}, "was made for other images: 4 of 4 differ"),
        ({"count": 6}, "has no proposals for 2 of 6 images, such as 4, 5: make them of this data set"),
    ],
)
def test_another_data_set_is_noticed(stored, change, said):
    with pytest.raises(SpecError, match=said) as raised:
        build_dataset(SHAPES | change, transforms={}, seed=0, training=True, proposals=stored, path="data.train")
    assert raised.value.problems[0].path == "data.train_proposals"


def test_fewer_images_than_the_file_has_are_fine(stored):
    assert check_data(data(stored)).problems == []
    assert check_data(DataSpec(train=SHAPES | {"count": 2}, train_proposals=stored)).problems == []


def test_files_outside_of_the_folders_are_not_opened(stored, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (problem,) = check_data(data(stored), folders=[other]).problems
    assert problem.path == "train_proposals" and "outside of the folders" in problem.message
    assert check_data(data(stored), folders=[tmp_path]).problems == []


def test_what_is_no_file_of_proposals_is_told(tmp_path, stored):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_text("boxes")
    with pytest.raises(SpecError, match="cannot be read as proposals"):
        read_proposals(wrong)
    save_file({"weight": np.zeros(3)}, wrong)
    with pytest.raises(SpecError, match="holds no proposals"):
        read_proposals(wrong)
    save_file(load_file(stored), wrong, metadata={"format": "specdet proposals", "version": "2"})
    with pytest.raises(SpecError, match="a later version of specdet"):
        read_proposals(wrong)
    for name, spoilt in {
        "ends": np.array([0, 3, 2, 4, 5]),
        "boxes": np.full((5, 4), np.nan, np.float32),
        "scores": np.zeros(2, np.float32),
        "image_ids": np.arange(3),
    }.items():
        save_file(load_file(stored) | {name: spoilt}, wrong, metadata={"format": "specdet proposals", "version": "1"})
        with pytest.raises(SpecError, match="make no sense"):
            read_proposals(wrong)


def test_several_training_sets_have_one_file(tmp_path):
    sets = {"a": SHAPES | {"count": 2}, "b": SHAPES | {"count": 2, "seed": 9}}
    joined = build_dataset(sets, transforms={}, seed=0, training=True).reader
    file = tmp_path / "both.safetensors"
    file.write_bytes(proposals_file(joined, DETECTIONS, origin={}))
    assert check_data(DataSpec(train=sets, train_proposals=file)).problems == []
    swapped = {"b": sets["b"], "a": sets["a"]}
    (problem,) = check_data(DataSpec(train=swapped, train_proposals=file)).problems
    assert "was made for other images" in problem.message
