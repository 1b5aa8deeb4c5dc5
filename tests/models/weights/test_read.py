"""Reading weights: what is safe, and what is said of the rest."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_weight

from specdet.models.weights.read import read_weights_file, torchvision_weights

WEIGHTS = {"a.weight": torch.arange(3.0)}


class Unsafe:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize("content", [WEIGHTS, {"state_dict": WEIGHTS, "meta": {"epoch": 3}}, {"model": WEIGHTS}])
def test_pth_files_alone_and_inside_checkpoints(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    read = read_weights_file(tmp_path / "w.pth")
    assert list(read) == ["a.weight"] and torch.equal(read["a.weight"], WEIGHTS["a.weight"])


def test_safetensors(tmp_path):
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    assert torch.equal(read_weights_file(tmp_path / "w.safetensors")["a.weight"], WEIGHTS["a.weight"])


def test_nothing_of_a_pickle_is_run(tmp_path, capsys):
    torch.save({"a": Unsafe()}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"w\.pth: cannot be read as weights"):
        read_weights_file(tmp_path / "w.pth")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights", pickle.dumps([1, 2], protocol=2), b"PK\x03\x04" + bytes(40)])
def test_other_files_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        read_weights_file(tmp_path / name)


@pytest.mark.parametrize("content", [[torch.ones(1)], {"a": 3}])
def test_files_without_weights_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(ValueError, match="holds no weights"):
        read_weights_file(tmp_path / "w.pth")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"w\.pth: there is no such weights file"):
        read_weights_file(tmp_path / "w.pth")


def test_a_failed_download_says_where_to_put_the_file(monkeypatch):
    name = "ResNet18_Weights.IMAGENET1K_V1"

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(type(get_weight(name)), "get_state_dict", offline)
    with pytest.raises(ValueError, match=r"resnet18-f37072fd.pth \(no network\); put that file into .*checkpoints"):
        torchvision_weights(name)
