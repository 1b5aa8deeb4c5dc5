"""detectron2's pickles: arrays come out as tensors, and nothing else happens."""

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from specdet.models.weights.arrays import read_arrays
from specdet.models.weights.read import read_weights_file


class Runs:
    """A pickle of it calls a function as it is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">i4"),
    "flags": np.array([True, False]),
    "one": np.float32(2.5),
    "empty": np.zeros((0, 4), dtype=np.int64),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_every_protocol(tmp_path, protocol):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"model": OrderedDict(ARRAYS), "__author__": "someone"}, protocol=protocol))
    found = read_arrays(path)
    assert found["__author__"] == "someone"
    for name, array in ARRAYS.items():
        native = array.astype(array.dtype.newbyteorder("="))
        expected = torch.from_numpy(np.array(native, order="C"))
        assert found["model"][name].dtype == expected.dtype
        assert torch.equal(found["model"][name], expected), name
    assert read_weights_file(path).keys() == ARRAYS.keys()


@pytest.mark.parametrize(
    "content",
    [
        Runs(os.system, "touch ran"),
        {"model": {"weight": Runs(eval, "open('ran', 'w')")}},
        Runs(np.load, "model.pkl"),
        np.array([Runs(os.mkdir, "ran")], dtype=object),
        np.array([1, "a"], dtype=object),
        np.array(["text"]),
    ],
    ids=["a command", "code", "a function of numpy", "an array of objects that run", "an array of objects", "texts"],
)
def test_what_is_no_array_of_numbers_is_refused_and_runs_nothing(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"model\.pkl: cannot be read .*may hold (arrays|numbers) alone"):
        read_weights_file(path)
    assert [each.name for each in tmp_path.iterdir()] == ["model.pkl"]


def test_addresses_in_memory_are_not_taken_for_objects(tmp_path):
    """numpy makes objects of whatever bytes it is given; a file could point anywhere."""
    path = tmp_path / "model.pkl"
    # np.ndarray((1,), dtype("O"), b"AAAAAAAA")
    path.write_bytes(b"cnumpy\nndarray\n((I1\ntcnumpy\ndtype\n(S'O8'\nI0\nI1\ntRS'AAAAAAAA'\ntR.")
    with pytest.raises(ValueError, match="holds no weights"):
        read_weights_file(path)


@pytest.mark.parametrize("content", [b"", b"nothing", pickle.dumps(ARRAYS)[:-20]])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.pkl: cannot be read as weights"):
        read_weights_file(path)
