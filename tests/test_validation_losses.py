"""`train.workflow = [["train", 1], ["val", 1]]`: losses on the validation set beside its metrics, for each detector."""

import json
import math

import pytest
import torch

from specdet.experiment import load
from specdet.experiment_classes import with_classes
from specdet.spec.compose import shipped_specs
from specdet.train import build_datasets, train_detector

SMALL = sorted(
    [path for folder in (".", "bccd") for path in (shipped_specs() / folder).glob("*.toml")],
    key=lambda path: path.stem,
)
SPEC = """
extends = ["specdet:{name}"]
unset = [{unset}]
[data]
images_per_device = 2
workers_per_device = 0
train = {{ type = "Shapes", count = 2, size = 64, max_side = 32 }}
val = {{ type = "Shapes", count = 3, size = 64, max_side = 32, seed = 1 }}
[optimizer]
lr = 1e-4
[schedule]
type = "Constant"
[train]
max_epochs = 1
workflow = [["train", 1], ["val", 1]]
threads_per_process = 1
[hooks.checkpoint]
keep_best = "val/loss"
"""


def trained(path, tmp_path, monkeypatch):
    from specdet.models.detectors.build import build_detector

    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path / "runs"))
    text = path.read_text()
    # Images as they are drawn; SSD's stay of one size.
    unset = [key for key in ("train_transforms", "val_transforms") if f"{key}." in text or f"{key}]" in text]
    unset = [f'"data.{key}"' for key in unset if "Stretch" not in text] + ['"data.root"'] * ("\nroot = " in text)
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.format(name=path.relative_to(shipped_specs()), unset=", ".join(unset)))
    experiment = load(spec)
    datasets = build_datasets(experiment)
    experiment = with_classes(experiment, len(datasets.train.classes))
    torch.manual_seed(0)
    return train_detector(build_detector(experiment.model), datasets, experiment)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_one_run_gives_losses_and_metrics_of_the_validation_set(path, tmp_path, monkeypatch):
    runner = trained(path, tmp_path, monkeypatch)
    events = [json.loads(line) for line in (runner.work_dir / "events.jsonl").read_text().splitlines()]
    learned = {name for event in events if event["kind"] == "metric" for name in event["data"] if "loss" in name}
    told = {name: value for event in events if event["kind"] == "eval" for name, value in event["data"].items()}
    losses = {name.removeprefix("val/"): value for name, value in told.items() if name.startswith("val/")}
    assert learned
    assert {name for name in losses if "loss" in name} == learned
    assert all(math.isfinite(value) for value in losses.values())
    parts = [value for name, value in losses.items() if name.startswith("loss/")]
    assert losses["loss"] == pytest.approx(sum(parts), rel=1e-5)
    assert any(not name.startswith("val/") for name in told), "the evaluators measure as well"
    best = json.loads((runner.work_dir / "progress.json").read_text())["best"]
    assert best["val/loss"]["value"] == pytest.approx(losses["loss"])


def test_they_are_those_of_the_model_in_eval_mode_each_image_counting_once(tmp_path, monkeypatch):
    """Faster R-CNN samples its proposals: in validation it draws the same ones each time."""
    from specdet.data.loader import build_dataloader

    runner = trained(shipped_specs() / "bccd/faster_rcnn.toml", tmp_path, monkeypatch)
    experiment = load(runner.work_dir / "spec.toml")
    loader = build_dataloader(
        build_datasets(experiment).val, images_per_device=2, workers=0, seed=experiment.seed, training=False
    )
    model, sums = runner.unwrapped_model.eval(), {}
    with torch.no_grad():
        for batch in loader:
            for name, value in model(batch, returns="loss").items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(batch) / 3
    assert {name: runner.metrics[f"val/{name}"] for name in sums} == pytest.approx(sums, rel=1e-5)
