import json

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO

from specdet.data.build import build_dataset
from specdet.data.dataset import DetectionDataset
from specdet.data.keys import image_key
from specdet.data.shapes import Shapes
from specdet.data.spec import ShapesSpec, VocSpec

AUGMENT = {
    "colour": {"type": "Photometric"},
    "flip": {"type": "Flip"},
    "resize": {"type": "Resize", "short_side": (96, 128, 160), "long_side": 200},
}


def same(one, other) -> bool:
    return torch.equal(one.image, other.image) and torch.equal(one.boxes, other.boxes) and one.key == other.key


def test_a_sample_is_a_function_of_seed_epoch_and_index():
    def make(seed: int) -> DetectionDataset:
        return build_dataset({"type": "Shapes", "count": 20}, transforms=AUGMENT, seed=seed, training=True)

    one, other = make(1), make(1)
    forwards = [one[2, index] for index in range(8)]
    torch.manual_seed(99)
    torch.rand(5)
    backwards = [other[2, index] for index in reversed(range(8))][::-1]
    assert all(map(same, forwards, backwards))
    assert [sample.key for sample in forwards] == [image_key(seed=1, epoch=2, index=index) for index in range(8)]
    assert not any(map(same, forwards, [one[3, index] for index in range(8)]))
    assert not any(map(same, forwards, [make(2)[2, index] for index in range(8)]))


def test_samples_leave_the_global_generator_alone():
    dataset = build_dataset({"type": "Shapes", "count": 3}, transforms=AUGMENT, seed=0, training=True)
    before = torch.get_rng_state()
    dataset[0, 0]
    assert torch.equal(before, torch.get_rng_state())


def test_boxes_are_cut_at_the_border_and_dropped_where_nothing_is_left(voc):
    voc.add("a", ("dog", (50, 5, 70, 20), 0), ("cat", (5, 5, 20, 20), 1))
    voc.add("b", ("cat", (5, 5, 20, 20), 0))

    class Shift:
        def __call__(self, sample, *, generator):
            sample.boxes[:, [0, 2]] += 45.0
            return sample

    reader = VocSpec(folder=voc.folder, split="train").build(training=True)
    sample = DetectionDataset(reader, transforms=[Shift()])[0, 0]
    assert sample.boxes.tolist() == [[49, 4, 60, 20]]
    assert sample.labels.tolist() == [0]
    assert sample.crowd.tolist() == [True]
    assert reader.record(0).boxes.tolist() == [[49, 4, 60, 20], [4, 4, 20, 20]]  # the transform got a copy


@pytest.mark.parametrize("count", [5])
def test_ground_truth_of_drawn_images_is_coco(tmp_path, count):
    reader = Shapes(ShapesSpec(count=count, seed=3))
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(DetectionDataset(reader).ground_truth()))
    coco = COCO(path)
    assert [coco.cats[label]["name"] for label in range(3)] == ["ellipse", "rectangle", "triangle"]
    for index in range(count):
        annotations = coco.loadAnns(coco.getAnnIds(index))
        x, y, width, height = np.array([each["bbox"] for each in annotations]).T
        assert np.array_equal(np.stack([x, y, x + width, y + height], axis=1), reader.record(index).boxes)
        for annotation in annotations:
            outline = np.array(annotation["segmentation"][0]).reshape(-1, 2)
            box = np.array(annotation["bbox"])
            assert np.abs(outline.min(axis=0) - box[:2]).max() <= 1
            assert np.abs(outline.max(axis=0) - box[:2] - box[2:]).max() <= 1


def test_augmented_bccd_boxes_stay_in_their_images(bccd):
    spec = {"type": "Voc", "folder": bccd, "split": "train"}
    dataset = build_dataset(spec, transforms=AUGMENT, seed=0, training=True)
    for index in range(0, len(dataset), 20):
        sample = dataset[1, index]
        height, width = sample.size
        assert (min(height, width), max(height, width)) in {(96, 128), (128, 171), (150, 200)}
        assert sample.original_size == (480, 640)
        x, y = sample.boxes[:, 0::2], sample.boxes[:, 1::2]
        assert len(sample.boxes) == len(sample.labels) > 0
        assert (x >= 0).all() and (y >= 0).all() and (x <= width).all() and (y <= height).all()
        assert (x[:, 1] > x[:, 0]).all() and (y[:, 1] > y[:, 0]).all()
