import pytest
import torch
from PIL import Image

from specdet.checks.data import data_problems
from specdet.checks.memory import memory_needed
from specdet.checks.step_time import made_up_batch
from specdet.experiment import load
from specdet.experiment_masks import masks_to_evaluate, masks_to_train
from specdet.runner.memory import SLOTS, Step
from specdet.train import build_datasets

MASKS, RPN = "specdet:mask_rcnn.toml", "specdet:rpn.toml"
FEW = ["data.train.count=8", "data.val.count=4", "schedule.warmup=none"]
VALIDATES = 'train.workflow=[["train", 1], ["val", 1]]'


@pytest.mark.parametrize(
    ("name", "overrides", "train", "val"),
    [
        (RPN, [VALIDATES], "none", "none"),
        (MASKS, [], "samples", "truth"),
        (MASKS, [VALIDATES], "samples", "samples"),
        (MASKS, ["~eval.segm", "hooks.checkpoint.keep_best=bbox/AP"], "samples", "none"),
    ],
)
def test_masks_are_read_where_somebody_needs_them(name, overrides, train, val):
    experiment = load(name, [*FEW, *overrides])
    assert (masks_to_train(experiment), masks_to_evaluate(experiment)) == (train, val)
    datasets = build_datasets(experiment)
    assert datasets.val is not None
    for dataset, wanted in ((datasets.train, train), (datasets.val, val)):
        assert (dataset[0, 0].masks is not None) == (wanted == "samples")
        assert (dataset.reader.record(0).masks is not None) == (wanted != "none")


def test_the_check_of_data_reads_masks_too(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (60, 40)).save(tmp_path / "images/a.png")
    (tmp_path / "a.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 60}], '
        '"categories": [{"id": 1, "name": "ellipse"}, {"id": 2, "name": "rectangle"}, {"id": 3, "name": "triangle"}], '
        '"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 20, 20], "segmentation": [[1, 2]]}]}'
    )
    coco = f"{{ type = 'Coco', images = '{tmp_path}/images', annotations = '{tmp_path}/a.json' }}"
    few = [f"data.train={coco}", "data.images_per_device=1", "schedule.warmup=none"]
    experiment = load(MASKS, few)
    (problem,) = data_problems(experiment)
    assert (problem.path, "no object has a segmentation" in problem.message) == ("data.train.annotations", True)
    assert data_problems(load(RPN, few)) == []


def test_memory_and_steps_are_reckoned_with_masks():
    device = torch.device("cpu")
    experiment = load(MASKS)
    assert memory_needed(experiment, device=device).batch > 4 * SLOTS * 128 * 128
    step = Step(images=2, size=(64, 96), size_divisor=32, accumulate=1, precision="fp32", device=device)
    batch = made_up_batch(step, generator=torch.Generator().manual_seed(0), masks=True)
    assert batch.targets is not None
    assert batch.targets.masks is not None
    assert batch.targets.masks.shape == (2, SLOTS, 64, 96)
