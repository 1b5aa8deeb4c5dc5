"""Checkpoint folders and files of weights, changed: the change is found, or the load is the original."""

import pickle
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import save_file

from specdet.models.weights.read import read_weights_file
from specdet.runner.checkpoint import FOLDER, MANIFEST, find_checkpoint, manifest_problem
from specdet.runner.resume import stored_classes
from specdet.runs.checkpoints import read_checkpoints
from tests.fuzzing.changes import changed_bytes, changed_json
from tests.runner.toy_training import toy_loader, toy_runner

CLASSES = ("cell", "plate")


def runner(folder: Path) -> Any:
    made = toy_runner(folder, classes=CLASSES, spec_text="seed = 0\n", log_level="ERROR")
    made.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 2}})
    return made


def state(resumed: Any) -> dict[str, Any]:
    """All that a runner took from its checkpoint, in a form that can be compared."""
    tables = {"model": resumed.unwrapped_model.state_dict(), "optimizer": resumed.optimizer.state_dict()}
    return {"progress": resumed.progress.to_table()} | {name: repr(table) for name, table in tables.items()}


class Checkpoint:
    """A run with two checkpoints, of which a file of the newest is changed; and files of weights of every kind."""

    def __init__(self, folder: Path):
        self.run = folder / "run"
        self.run.mkdir()
        torch.set_num_threads(1)
        runner(self.run).run([toy_loader(size=16, batch=4)], [("train", 1)], 1)
        self.newest = self.run / FOLDER / "iter_00000004"
        self.files = {path: path.read_bytes() for path in sorted(self.newest.rglob("*")) if path.is_file()}
        self.state = self.resumed()
        self.weights = weights_files(folder)

    def resumed(self) -> dict[str, Any]:
        made = runner(self.run)
        made.resume(self.run)
        return state(made)

    def attempt(self, rng: Random) -> str:
        if rng.random() < 0.4:
            return self.attempt_weights(rng)
        # Every other change is of the manifest, which nothing else covers.
        path = self.newest / MANIFEST if rng.random() < 0.5 else rng.choice([*self.files])
        structured = path.suffix == ".json" and rng.random() < 0.6
        content = (changed_json if structured else changed_bytes)(self.files[path], rng)
        path.write_bytes(content)
        try:
            return self.attempt_run()
        finally:
            path.write_bytes(self.files[path])

    def attempt_run(self) -> str:
        read_checkpoints(self.run)  # raises nothing
        rejected: list[str] = []
        found = find_checkpoint(self.run, reject=rejected.append)
        if manifest_problem(self.newest):
            assert found != self.newest and str(self.newest) in rejected[0], (found, rejected)
            try:
                find_checkpoint(self.newest, reject=rejected.append)
            except ValueError as error:
                assert str(self.newest) in str(error) and len(str(error)) < 2000
                return "told"
            raise AssertionError("a damaged checkpoint is taken where it is named")
        assert found == self.newest, f"{found} is taken for the newest, without a word"
        assert stored_classes(found) == CLASSES
        assert self.resumed() == self.state
        return "read"

    def attempt_weights(self, rng: Random) -> str:
        path = rng.choice([*self.weights])
        path.write_bytes(changed_bytes(self.weights[path], rng))
        try:
            tensors = read_weights_file(path)
        except ValueError as error:
            assert type(error) is ValueError and str(path) in str(error) and len(str(error)) < 2000, repr(error)
            return "told"
        assert all(isinstance(name, str) and isinstance(each, torch.Tensor) for name, each in tensors.items())
        for each in tensors.values():  # each byte of them can be reached
            _ = each.clone() if not each.is_sparse else each.coalesce()
        return "read"


def weights_files(folder: Path) -> dict[Path, bytes]:
    """The same weights as every kind of file that is read."""
    table = {"conv.weight": torch.arange(24.0).reshape(2, 3, 4), "conv.bias": torch.ones(2, dtype=torch.float16)}
    arrays = {
        "model": {name: each.numpy() for name, each in table.items()},
        "matching_heuristics": True,
    }
    torch.save({"state_dict": table, "meta": {"epoch": 3}}, folder / "zipped.pth")
    torch.save(table, folder / "plain.pth", _use_new_zipfile_serialization=False)
    save_file(table, folder / "weights.safetensors")
    (folder / "arrays.pkl").write_bytes(pickle.dumps(arrays, protocol=2))
    names = ("zipped.pth", "plain.pth", "weights.safetensors", "arrays.pkl")
    return {folder / name: (folder / name).read_bytes() for name in names}
