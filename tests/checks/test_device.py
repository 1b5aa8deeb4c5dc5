import sys

import pytest
import torch

from specdet.checks import device
from specdet.checks.device import device_problems
from specdet.experiment import load

RPN = "specdet:rpn.toml"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def said(*overrides: str) -> list[tuple[str, str]]:
    found = device_problems(load(RPN, overrides), memory=False)
    assert all(problem.kind == "environment" for problem in found)
    return [(problem.path, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("wrong", "path", "message", "right"),
    [
        (
            "train.precision=fp16",
            "train.precision",
            'train.precision is "fp16", which a CPU cannot train in: write "bf16" or "fp32"',
            "train.precision=bf16",
        ),
        (
            "model.backbone.norm=SyncBN",
            "model.backbone.norm",
            "SyncBN is for several GPUs: write BN, FrozenBN or GN on a CPU",
            "model.backbone.norm=GN",
        ),
    ],
)
def test_what_a_cpu_cannot_do(wrong, path, message, right):
    assert said(wrong) == [(path, message)]
    assert said(right) == []


def test_an_implementation_that_torch_lacks_for_the_device(monkeypatch):
    assert said("optimizer.implementation=fused") == []

    def refuse(optimizer, *, device):
        raise RuntimeError("`fused=True` requires all the params to be on a supported device")

    monkeypatch.setattr(device, "one_step", refuse)
    ((path, message),) = said("optimizer.implementation=fused")
    assert path == "optimizer.implementation"
    assert message == (
        "torch cannot run it fused on this device (`fused=True` requires all the params to be on a supported device): "
        'write "auto"'
    )
    assert said("optimizer.implementation=foreach") == []


def test_all_of_it_is_said_at_once():
    found = said("train.precision=fp16", "model.backbone.norm=SyncBN")
    assert [path for path, _ in found] == ["train.precision", "model.backbone.norm"]


def test_memory_is_asked_about_too(monkeypatch):
    from specdet.checks import memory

    monkeypatch.setattr(memory, "device_memory", lambda device: 2**20)
    assert [problem.path for problem in device_problems(load(RPN))] == ["data.images_per_device"]
    assert device_problems(load(RPN), memory=False) == []


TIMM = ("model.backbone.type=Timm", "model.backbone.name=resnet18")


def test_a_package_that_is_not_installed(monkeypatch):
    assert said(*TIMM) == []
    monkeypatch.setitem(sys.modules, "timm", None)
    ((path, message),) = said(*TIMM)
    assert path == "model.backbone"
    assert message.endswith("pip install 'specdet[timm]'")


def test_a_network_that_the_package_does_not_have():
    (problem,) = device_problems(load(RPN, [*TIMM[:1], "model.backbone.name=resnett18"]), memory=False)
    assert (problem.path, problem.kind) == ("model.backbone.name", "spec")
    assert "did you mean 'resnet18'" in problem.message


@pytest.mark.parametrize("backbone", [TIMM, ("model.backbone.type=Torchvision", "model.backbone.name=resnet18")])
def test_the_memory_of_networks_from_elsewhere_is_estimated(backbone, caplog):
    assert device_problems(load(RPN, backbone)) == []
    assert not caplog.records
