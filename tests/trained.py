"""A small detector that has been trained for seconds, for the tests of all that uses trained ones."""

import json
from pathlib import Path

import attrs
import pytest

SPEC = """
extends = ["specdet:rpn.toml"]
name = "tiny"
[model]
backbone = { base_channels = 8, norm = "GN" }
neck = { out_channels = 16 }
rpn_head = { feat_channels = 16 }
test = { nms_post = 200 }
[data]
images_per_device = 4
workers_per_device = 0
train = { count = 24 }
val = { count = 5 }
[optimizer]
lr = 3e-3
[schedule]
warmup_iters = 2
[train]
max_epochs = 4
threads_per_process = 1
[hooks.ema]
type = "EMA"
decay = 0.5
[hooks.evaluate]
every.epochs = 1
[hooks.checkpoint]
every.epochs = 1
keep_last = "all"
"""

CLASSES = """
extends = ["specdet:rpn.toml"]
unset = ["eval.proposal", "hooks.checkpoint.keep_best"]
name = "classes"
[model]
type = "RetinaNet"
backbone = { type = "ResNet", depth = 18, base_channels = 8, norm = "GN", out_stages = [2, 3, 4] }
neck = { type = "FPN", out_channels = 16 }
bbox_head = { feat_channels = 16, num_convs = 1 }
test = { min_score = 0.0, max_detections = 20 }
[data]
workers_per_device = 0
val = { count = 3 }
[eval.bbox]
type = "CocoBox"
"""


@attrs.frozen(kw_only=True)
class TrainedRun:
    """A run that is finished, and what its images look like as files.

    Attributes:
        run: Its directory.
        metrics: Of its last evaluation.
        images: The folder of the images that it was evaluated on.
        annotations: What is on them, a COCO file whose ids are others than their places.
    """

    run: Path
    metrics: dict[str, float]
    images: Path
    annotations: Path

    @property
    def checkpoint(self) -> Path:
        """The last one."""
        return self.run / "checkpoints" / "iter_00000024"


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> TrainedRun:
    """A proposal network after 24 steps on drawn shapes."""
    from small_training import run_of, train

    folder = tmp_path_factory.mktemp("trained")
    spec = folder / "tiny.toml"
    spec.write_text(SPEC)
    done = train(folder, str(spec))
    assert done.returncode == 0, done.stderr
    run = run_of(folder)
    images, annotations = write_images(spec, folder)
    metrics = json.loads((run / "progress.json").read_text())["last"]
    measured = {name: value for name, value in metrics.items() if name.startswith("proposal/")}
    assert measured["proposal/AR@100"] > 0.02  # else tests that compare would compare nothing with nothing
    return TrainedRun(run=run, metrics=measured, images=images, annotations=annotations)


@pytest.fixture(scope="session")
def classes_weights(tmp_path_factory) -> tuple[Path, Path]:
    """A file of random weights of a detector that tells classes apart, and its spec."""
    import torch
    from safetensors.torch import save_file

    from specdet.experiment import load
    from specdet.models.detectors.build import build_detector

    folder = tmp_path_factory.mktemp("classes")
    spec, weights = folder / "classes.toml", folder / "weights.safetensors"
    spec.write_text(CLASSES)
    torch.manual_seed(0)
    model = build_detector(attrs.evolve(load(spec).model, num_classes=3))
    save_file(model.state_dict(), weights)
    return weights, spec


def write_images(spec: Path, folder: Path) -> tuple[Path, Path]:
    """The images to evaluate on as files, with their annotations."""
    from PIL import Image

    from specdet.data.build import build_dataset
    from specdet.experiment import load

    dataset = build_dataset(load(spec).data.val, transforms={}, seed=0, training=False)
    images, annotations = folder / "images", folder / "annotations.json"
    (images / "more").mkdir(parents=True)
    truth = dataset.ground_truth()
    for place, entry in enumerate(truth["images"]):
        entry["file_name"] = f"more/{place}.png" if place == 2 else f"{place}.png"
        entry["id"] += 70
        Image.fromarray(dataset.reader.image(place).permute(1, 2, 0).numpy()).save(images / entry["file_name"])
    for entry in truth["annotations"]:
        entry["image_id"] += 70
        entry["category_id"] += 5
    for entry in truth["categories"]:
        entry["id"] += 5
    annotations.write_text(json.dumps(truth))
    return images, annotations
