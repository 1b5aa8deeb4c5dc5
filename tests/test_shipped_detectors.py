"""Every detector that is shipped for COCO, on small drawn images: it trains, evaluates, and comes back from its run."""

from pathlib import Path

import attrs
import pytest
import torch

import specdet
from specdet.data.build import build_dataset
from specdet.data.proposals import proposals_file
from specdet.data.spec import DataSpec, ShapesSpec
from specdet.data.transforms.spec import ResizeSpec
from specdet.experiment import Experiment
from specdet.experiment_classes import with_classes
from specdet.inference.predictor import Predictor
from specdet.models.detectors.build import build_detector
from specdet.spec.compose import shipped_specs
from specdet.structures import Detections
from specdet.train import build_datasets, train_detector

NAMES = sorted(path.name for path in (shipped_specs() / "coco").glob("*.toml"))
TRAIN = ShapesSpec(count=1, seed=3, size=96, min_objects=2)
FEW_BOXES = (
    "train.roi.sampler.num=16",
    "train.proposals.nms_post=32",
    "test.rpn.nms_post=32",
)  # heads on boxes are slow
VAL = ShapesSpec(count=1, seed=4, size=96, min_objects=2)


def small(name: str, folder: Path) -> Experiment:
    """The experiment of a spec with random weights, a step long, on images of 96 px."""
    spec = shipped_specs() / "coco" / name
    short = ["train.max_iters=1", "~train.max_epochs", "train.threads_per_process=1", "schedule.type=Constant"]
    model = specdet.load(spec).model
    few = [f"model.{setting}" for setting in FEW_BOXES if _has(model, setting.partition("=")[0])]
    experiment = specdet.load(spec, [*short, *few])
    data = experiment.data
    assert isinstance(data, DataSpec)
    stored = [_ground_truth(each, folder) for each in (TRAIN, VAL)] if data.train_proposals else [None, None]
    backbone = attrs.evolve(experiment.model.backbone, **_from_scratch(experiment.model.backbone))
    return with_classes(
        attrs.evolve(
            experiment,
            model=attrs.evolve(experiment.model, backbone=backbone),
            data=attrs.evolve(
                data,
                root=None,
                train=TRAIN,
                val=VAL,
                train_proposals=stored[0],
                val_proposals=stored[1],
                images_per_device=1,
                workers_per_device=0,
                train_transforms=_small(data.train_transforms),
                val_transforms=_small(data.val_transforms),
            ),
        ),
        len(ShapesSpec.classes),
    )


def _has(spec, path: str) -> bool:
    for key in path.split("."):
        if not hasattr(spec, key):
            return False
        spec = getattr(spec, key)
    return True


def _from_scratch(backbone) -> dict:
    wanted = {"weights": "none", "weights_file": None, "frozen_stages": -1, "norm_eval": False, "norm": "GN"}
    return {key: value for key, value in wanted.items() if hasattr(backbone, key)}


def _small(transforms: dict) -> dict:
    """Sides of 800 px would take half an hour here; those of a detector that is made for one size stay."""
    return {
        name: attrs.evolve(each, short_side=(96,), long_side=128)
        if isinstance(each, ResizeSpec) and max(each.short_side, default=0) >= 600
        else each
        for name, each in transforms.items()
    }


def _ground_truth(spec: ShapesSpec, folder: Path) -> Path:
    """The boxes of the objects, as if a detector had found them."""
    reader = build_dataset(spec, transforms={}, seed=0, training=False).reader
    found = {}
    for index in range(len(reader)):
        boxes = torch.from_numpy(reader.record(index).boxes)
        scores, labels = torch.ones(len(boxes)), torch.zeros(len(boxes), dtype=torch.int64)
        found[reader.record(index).image_id] = Detections(boxes=boxes, scores=scores, labels=labels)
    path = folder / f"proposals_{spec.seed}.safetensors"
    path.write_bytes(proposals_file(reader, found, origin={}))
    return path


@pytest.mark.usefixtures("fresh_accelerate")
@pytest.mark.parametrize("name", NAMES)
def test_it_trains_evaluates_and_comes_back(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    experiment = small(name, tmp_path)
    torch.manual_seed(0)
    model = build_detector(experiment.model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    runner = train_detector(model, build_datasets(experiment), experiment)
    assert runner.iter == 1 and runner.exit_code == 0
    after = model.state_dict()
    trained = [key for key, value in model.named_parameters() if value.requires_grad]
    moved = [key for key in trained if not before[key].equal(after[key])]
    assert len(moved) > 0.5 * len(trained)
    assert {metric.partition("/")[0] for metric in runner.metrics} >= set(experiment.eval)

    images = build_dataset(VAL, transforms={}, seed=0, training=False).reader
    if getattr(experiment.model, "uses_proposals", False):
        again = build_detector(specdet.load(runner.work_dir / "spec.toml").model)
    else:
        predictor = Predictor(runner.work_dir)
        found = predictor(images.image(0))
        assert predictor.class_names == ShapesSpec.classes or not experiment.model.gives_classes
        assert (found.masks is not None) == experiment.model.gives_masks
        again = predictor.model
    assert all(value.equal(after[key]) for key, value in again.state_dict().items()) or experiment.model.uses_proposals
