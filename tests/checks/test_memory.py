import logging

import attrs
import psutil
import pytest
import torch
from torch import Tensor, nn

from specdet.checks import memory
from specdet.checks.memory import memory_needed, memory_problems
from specdet.experiment import load
from specdet.models.backbones import resnet
from specdet.spec import Spec, spec
from specdet.spec.compose import shipped_specs

CPU = torch.device("cpu")
COCO = "specdet:coco/rpn_r50_fpn_1x.toml"
WHOLE = [path for path in shipped_specs().rglob("*.toml") if "base" not in path.parts]


@spec
class PeekingSpec(Spec):
    """A detector whose forward pass asks what is in its images."""

    builds = "tests.checks.test_memory:Peeking"


class Peeking(nn.Module):
    def __init__(self, spec: PeekingSpec):
        super().__init__()
        self.scale = nn.Linear(1, 1)

    def forward(self, batch, returns: str) -> dict[str, Tensor]:
        mean = batch.images.float().mean()
        return {"loss/mean": self.scale(mean[None]).sum() * (2 if mean.item() > 128 else 1)}


def said(experiment) -> list[tuple[str, str, str]]:
    return [(problem.path, problem.kind, problem.message) for problem in memory_problems(experiment, device=CPU)]


def give(monkeypatch, *, size: int) -> None:
    """A device with so many bytes."""
    monkeypatch.setattr(memory, "device_memory", lambda device: size)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(shipped_specs())))
def test_every_shipped_spec_can_be_estimated_without_its_weights(path, monkeypatch):
    monkeypatch.setattr(resnet, "torchvision_weights", lambda name: pytest.fail(f"{name} was read"))
    found = memory_needed(load(path), device=CPU)
    assert found.activations > 10 * found.batch > 0


def test_what_does_not_fit_comes_with_what_would(monkeypatch):
    experiment = load(COCO, ["data.images_per_device=9"])
    five, six = (memory_needed(experiment, device=CPU, images=images).total for images in (5, 6))
    give(monkeypatch, size=(five + six) // 2)
    ((path, kind, message),) = said(experiment)
    assert (path, kind) == ("data.images_per_device", "environment")
    needed = memory_needed(experiment, device=CPU).total
    assert message == (
        f"training takes about {needed / 2**30:.1f} GiB, and the device (cpu) has {(five + six) / 2**31:.1f} GiB: "
        "lower it to 5, and raise train.accumulate if a step shall take as many images as before"
    )
    give(monkeypatch, size=five)
    assert "lower it to 5," in said(experiment)[0][2]
    give(monkeypatch, size=needed)
    assert said(experiment) == []


def test_a_model_that_is_too_large_for_one_image_is_said_to_be(monkeypatch):
    experiment = load(COCO)
    give(monkeypatch, size=memory_needed(experiment, device=CPU, images=1).total - 1)
    ((_, _, message),) = said(experiment)
    assert "not even one image fits" in message


def test_an_unknown_size_is_said_and_nothing_is_guessed(caplog):
    with caplog.at_level(logging.WARNING):
        assert said(load(COCO, ["~data.train_transforms"])) == []
    assert "memory is not checked: only the images tell how large they are" in caplog.text


def test_a_model_that_looks_at_its_images_cannot_be_estimated(caplog):
    with caplog.at_level(logging.WARNING):
        assert said(attrs.evolve(load(COCO), model=PeekingSpec())) == []
    assert "memory is not checked: the model cannot be run without content" in caplog.text


def test_rules_that_match_nothing_are_found_on_the_way():
    found = said(load(COCO, ["optimizer.rules.slow={ pattern = 'backbon.*', lr_factor = 0.1 }"]))
    assert [(path, kind) for path, kind, _ in found] == [("optimizer.rules.slow.pattern", "spec")]


def test_a_weights_file_is_not_read():
    assert said(load(COCO, ["model.backbone.weights=none", "model.backbone.weights_file=nowhere.pth"])) == []


def test_the_memory_of_a_real_device_is_asked_for():
    assert memory.device_memory(CPU) == psutil.virtual_memory().total
