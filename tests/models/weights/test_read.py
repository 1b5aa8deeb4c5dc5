"""Reading weights: what is safe, and what is said of the rest."""

import pickle
import sys
import types

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_weight

from specdet.models.weights.read import read_weights_file, torchvision_weights
from specdet.spec import Published
from tests.models.weights.serving import serving

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


@pytest.mark.parametrize("opcode", [b"a", b"b", b"u", b"\x85"])
def test_a_pickle_whose_steps_make_no_sense_is_named(tmp_path, opcode):
    """The unpickler of torch then raises whatever it comes upon."""
    (tmp_path / "w.pth").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + b"\x80\x02" + opcode + b".")
    with pytest.raises(ValueError, match=r"w\.pth: cannot be read as weights"):
        read_weights_file(tmp_path / "w.pth")


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


class HistoryBuffer:
    """As training tools keep beside the weights: a log, with arrays and functions in it."""

    def __init__(self):
        self.log = np.arange(4)
        self.last = np.float64(0.5)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_mmdetection_keeps_beside_the_weights_is_left_out(tmp_path, monkeypatch, zipped):
    module = types.ModuleType("mmengine.logging.history_buffer")
    for name in ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer"):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(HistoryBuffer, "__module__", module.__name__)
    module.HistoryBuffer = HistoryBuffer
    content = {"meta": {"epoch": np.int64(3)}, "state_dict": WEIGHTS, "message_hub": {"loss": HistoryBuffer()}}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    for name in ("mmengine", "mmengine.logging", "mmengine.logging.history_buffer"):
        monkeypatch.delitem(sys.modules, name)
    read = read_weights_file(tmp_path / "w.pth")
    assert list(read) == ["a.weight"] and torch.equal(read["a.weight"], WEIGHTS["a.weight"])


def test_names_of_a_wrapped_model_lose_their_wrapper(tmp_path):
    torch.save({f"module.{name}": each for name, each in WEIGHTS.items()}, tmp_path / "w.pth")
    assert list(read_weights_file(tmp_path / "w.pth")) == ["a.weight"]


def test_an_address_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    with serving((tmp_path / "w.safetensors").read_bytes()) as served:
        read = read_weights_file(Published(f"{served.address}/w.safetensors"))
    assert torch.equal(read["a.weight"], WEIGHTS["a.weight"])


def test_a_name_that_torchvision_does_not_have_is_told():
    with pytest.raises(ValueError, match=r"no weights called FasterRCNN_ResNet50_FPN_Weights\.COCO_V9 \(did you mean"):
        read_weights_file(Published("FasterRCNN_ResNet50_FPN_Weights.COCO_V9"))
