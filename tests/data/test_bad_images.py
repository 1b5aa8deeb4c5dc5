"""Images that cannot be used: an error, another image instead, or a black one."""

import attrs
import numpy as np
import pytest
import torch
from PIL import Image

from specdet.data import images
from specdet.data.build import build_dataset
from specdet.data.images import UnreadableImage
from specdet.data.loader import build_dataloader
from specdet.runner.loading import next_batch

TRANSFORMS = {"crop": {"type": "IoUCrop"}, "flip": {"type": "Flip"}, "stretch": {"type": "Stretch"}}


def make(coco, *, training=True, on_bad_image="skip", **fields):
    return build_dataset(
        coco.spec(**fields), transforms=TRANSFORMS, seed=3, training=training, on_bad_image=on_bad_image
    )


@pytest.fixture
def many(coco):
    """Ten images, the even ones tall, all with an object."""
    coco.data["images"], coco.data["annotations"] = [], []
    for number in range(10):
        size = (40, 60) if number % 2 == 0 else (60, 40)
        Image.fromarray(np.full((size[1], size[0], 3), 20 * number, dtype=np.uint8)).save(coco.images / f"{number}.png")
        coco.data["images"].append({"id": number, "file_name": f"{number}.png", "height": size[1], "width": size[0]})
        box = {"id": number + 1, "image_id": number, "category_id": 9, "bbox": [5, 5, 20, 20]}
        coco.data["annotations"].append(box)
    coco.write()
    return coco


def spoil(coco, *numbers: int) -> None:
    for number in numbers:
        (coco.images / f"{number}.png").write_bytes(b"not an image")


def test_it_is_an_error_unless_told_otherwise(many):
    dataset = make(many, on_bad_image="error")
    spoil(many, 4)
    with pytest.raises(UnreadableImage, match=r"4\.png: the image cannot be decoded"):
        dataset[0, 4]


def test_in_training_another_of_its_orientation_stands_for_it(many):
    dataset = make(many)
    spoil(many, 2, 4, 5)
    found = [dataset[epoch, 4] for epoch in range(40)]
    ids = {sample.image_id for sample in found}
    assert ids == {0, 6, 8}
    for sample in found:
        assert 4 in sample.bad and sample.bad.keys() <= {2, 4}
        assert sample.bad[4].startswith(str(many.images / "4.png"))
    assert any(2 in sample.bad for sample in found)  # which stood for it, and was bad as well
    for epoch, sample in enumerate(found[:5]):  # it is the very sample that the other image gives
        other = dataset[epoch, sample.image_id]
        assert torch.equal(sample.image, other.image) and torch.equal(sample.boxes, other.boxes)
        assert sample.key == other.key and not other.bad


def test_workers_and_the_order_of_asking_change_nothing(many):
    dataset = make(many)
    spoil(many, 2, 3)
    alone, helped = (
        build_dataloader(dataset, images_per_device=2, workers=workers, seed=0, training=True) for workers in (0, 2)
    )
    for epoch in (0, 1):
        for one, other in zip(alone, helped, strict=True):
            assert torch.equal(one.images, other.images) and torch.equal(one.image_ids, other.image_ids)
            assert one.bad == other.bad
            assert not {2, 3} & set(one.image_ids.tolist()), epoch


def test_in_evaluation_it_is_black_and_keeps_its_id(many):
    dataset = make(many, training=False)
    spoil(many, 4)
    for sample in (dataset[0, 4], attrs.evolve(dataset[0, 4])):
        assert sample.image_id == 4 and sample.bad.keys() == {4} and sample.original_size == (60, 40)
        assert not sample.image.any() and len(sample.boxes) == len(sample.labels) == 0
    batches = [*build_dataloader(dataset, images_per_device=4, workers=0, seed=0, training=False)]
    assert [image_id for batch in batches for image_id in batch.image_ids.tolist()] == [*range(10)]
    assert [dict(batch.bad).keys() for batch in batches] == [set(), {4}, set()]


def test_an_image_of_another_size_than_noted_is_as_bad(many):
    dataset = make(many)
    Image.new("RGB", (41, 60)).save(many.images / "0.png")
    assert "the image is 41 x 60 px, but its annotations are for 40 x 60" in dataset[0, 0].bad[0]


def test_where_none_can_be_used_there_is_no_end_of_trying(many):
    dataset = make(many)
    spoil(many, *range(10))
    with pytest.raises(UnreadableImage, match=r"5 images one after the other cannot be used; the last: .*png"):
        dataset[0, 1]


@pytest.mark.parametrize("workers", [0, 1])
def test_the_error_of_a_worker_is_a_sentence(many, workers):
    loader = build_dataloader(
        make(many, on_bad_image="error"), images_per_device=10, workers=workers, seed=0, training=True
    )
    spoil(many, 3)
    with pytest.raises(ValueError) as error:
        next_batch(iter(loader), loader=loader)
    assert str(error.value).startswith(f"{many.images}/3.png: the image cannot be decoded")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_large_image_warns_in_no_process_and_one_that_is_too_large_is_named(many, workers, monkeypatch):
    """Warnings are errors here, and in the processes that load images, which are forks of this one."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1200)
    monkeypatch.setattr(images, "MOST_PIXELS", 2400)
    dataset = make(many, on_bad_image="error")

    def loader():
        return build_dataloader(dataset, images_per_device=5, workers=workers, seed=0, training=True)

    assert len([*loader()]) == 2  # of images of 2,400 pixels
    monkeypatch.setattr(images, "MOST_PIXELS", 2399)
    with pytest.raises(ValueError, match=r"\.png: the image is .* px, and at most 2,399 pixels are read: resize"):
        next_batch(iter(refusing := loader()), loader=refusing)
