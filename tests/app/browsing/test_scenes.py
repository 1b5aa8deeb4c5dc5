import io

import numpy as np
import pytest
from PIL import Image

from app.browsing.augmented import Seen, augmented
from app.browsing.opened import OpenedSet, open_set
from app.browsing.scenes import annotated
from app.browsing.sets import NamedSet
from app.looking.scene import Scene
from specdet.data.build import build_dataset
from specdet.data.spec import ShapesSpec
from specdet.data.transforms.spec import FlipSpec, PhotometricSpec, ResizeSpec

TRANSFORMS = {
    "flip": FlipSpec(),
    "light": PhotometricSpec(),
    "size": ResizeSpec(short_side=(48, 64, 80), long_side="any"),
}


def opened(spec, roots, *, training=False) -> OpenedSet:
    return open_set(NamedSet(name="set", spec=spec, training=training), root=None, folders=roots.folders)


def corners(scene: Scene) -> list[list[float]]:
    return [[box.x1, box.y1, box.x2, box.y2] for box in scene.boxes]


def test_an_image_has_its_boxes_as_annotated(coco, roots):
    scene = annotated(opened(coco.spec(), roots), 0, roots=roots)
    assert (scene.width, scene.height) == (60, 40)
    assert [(box.label, box.kind) for box in scene.boxes] == [("cat", "object"), ("dog", "object")]
    assert corners(scene) == [[10, 5, 30, 35], [50.5, 30, 60, 40]]
    assert (scene.title, scene.key) == ("0: 0.png", "0")
    assert Image.open(io.BytesIO(scene.image)).size == (60, 40)
    assert annotated(opened(coco.spec(), roots), 1, roots=roots).boxes[0].kind == "crowd"


def test_an_image_that_is_broken_keeps_its_place_and_its_boxes(coco, roots):
    found = opened(coco.spec(), roots)
    (coco.images / "0.png").write_text("broken")
    scene = annotated(found, 0, roots=roots)
    assert scene.image == b""
    assert (scene.width, scene.height, len(scene.boxes)) == (60, 40, 2)
    assert "cannot be decoded" in scene.note


def test_a_file_of_another_size_is_shown_with_a_remark(coco, roots):
    found = opened(coco.spec(), roots)
    Image.new("RGB", (80, 50)).save(coco.images / "0.png")
    scene = annotated(found, 0, roots=roots)
    assert (scene.width, scene.height) == (80, 50)
    assert scene.note == "the file has 80 x 50 px, its annotations are for 60 x 40"
    seen = Seen(transforms={}, seed=0)
    (same,) = augmented(found, [0], seen=seen, epoch=0, roots=roots)
    assert "its transforms fail" in same.note


@pytest.mark.parametrize("epoch", [0, 3])
def test_augmented_boxes_and_sizes_are_those_of_the_training(roots, epoch):
    spec = ShapesSpec(count=30, seed=5)
    dataset = build_dataset(spec, transforms=TRANSFORMS, seed=11, training=True)
    scenes = augmented(
        opened(spec, roots, training=True),
        range(8),
        seen=Seen(transforms=TRANSFORMS, seed=11),
        epoch=epoch,
        roots=roots,
    )
    for index, scene in enumerate(scenes):
        sample = dataset[epoch, index]
        assert (scene.height, scene.width) == sample.size
        assert corners(scene) == sample.boxes.tolist()
        picture = Image.open(io.BytesIO(scene.image))
        mean = sample.image.float().mean(dim=(1, 2)).tolist()
        assert np.asarray(picture).mean(axis=(0, 1)) == pytest.approx(mean, abs=3)  # JPEG


def test_the_second_training_set_is_numbered_after_the_first(roots):
    sets = {"a": ShapesSpec(count=6, seed=1), "b": ShapesSpec(count=6, seed=2)}
    dataset = build_dataset(sets, transforms=TRANSFORMS, seed=4, training=True)
    seen = Seen(transforms=TRANSFORMS, seed=4, first=6)
    scenes = augmented(opened(sets["b"], roots, training=True), range(6), seen=seen, epoch=2, roots=roots)
    assert [corners(scene) for scene in scenes] == [dataset[2, 6 + index].boxes.tolist() for index in range(6)]
    alone = augmented(
        opened(sets["b"], roots), range(6), seen=Seen(transforms=TRANSFORMS, seed=4), epoch=2, roots=roots
    )
    assert [corners(scene) for scene in alone] != [corners(scene) for scene in scenes]


def test_no_transform_opens_a_file_out_of_the_roots(coco, roots, tmp_path):
    found = opened(coco.spec(), roots)
    (coco.images / "0.png").rename(tmp_path / "secret.png")
    (coco.images / "0.png").symlink_to(tmp_path / "secret.png")
    (scene,) = augmented(found, [0], seen=Seen(transforms={}, seed=0), epoch=0, roots=roots)
    assert scene.image == b""
    assert "outside of the folders" in scene.note
