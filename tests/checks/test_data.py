import attrs
import pytest

from specdet.checks.data import data_problems
from specdet.experiment import load
from tests.data.conftest import CocoFolder


@pytest.fixture
def coco(tmp_path):
    return CocoFolder(tmp_path)


def experiment_on(coco: CocoFolder, *, boxes: int, overrides: list[str]):
    """12 epochs of the first `boxes` of three images of 60 x 40 px."""
    annotation = {"category_id": 9, "bbox": [10, 5, 20, 30], "area": 500, "iscrowd": 0}
    images = coco.data["images"][:boxes]
    coco.data["annotations"] = [
        {"id": place + 1, "image_id": image["id"], **annotation} for place, image in enumerate(images)
    ]
    coco.write()
    fixed = ["~data.root", "data.images_per_device=1", "schedule.warmup=none"]
    experiment = load("specdet:coco/rpn_r50_fpn_1x.toml", [*fixed, *overrides])
    return attrs.evolve(experiment, data=attrs.evolve(experiment.data, train=coco.spec(), val=coco.spec()))


@pytest.mark.parametrize(
    ("wrong", "path", "message", "right"),
    [
        (
            ["data.images_per_device=4"],
            "data.images_per_device",
            "3 training images, but a batch takes 4",
            ["data.images_per_device=3"],
        ),
        (
            ["train.accumulate=4"],
            "train.accumulate",
            "an epoch has 3 batches, fewer than the 4 of one optimizer step",
            ["train.accumulate=3"],
        ),
        (
            ["schedule.warmup=linear", "schedule.warmup_iters=36"],
            "schedule.warmup_iters",
            "the warm-up of 36 optimizer steps never ends: "
            "the training has 12 epochs, at most 36 optimizer steps (3 images, 1 a step)",
            ["schedule.warmup=linear", "schedule.warmup_iters=35"],
        ),
    ],
)
def test_what_the_number_of_images_decides(coco, wrong, path, message, right):
    found = data_problems(experiment_on(coco, boxes=3, overrides=wrong))
    assert [(problem.path, problem.kind) for problem in found] == [(path, "spec")]
    assert found[0].message.startswith(message)
    assert data_problems(experiment_on(coco, boxes=3, overrides=right)) == []


def test_images_that_training_leaves_out_do_not_count(coco):
    found = data_problems(experiment_on(coco, boxes=2, overrides=["data.images_per_device=3"]))
    assert [problem.path for problem in found] == ["data.images_per_device"]
    assert found[0].message.startswith("2 training images")


def test_data_that_cannot_be_read_decide_nothing(coco):
    experiment = experiment_on(coco, boxes=3, overrides=["data.images_per_device=4"])
    coco.file.write_text("{}")
    assert [problem.path for problem in data_problems(experiment)] == ["data.train.annotations", "data.val.annotations"]
