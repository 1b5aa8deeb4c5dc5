import json

import pytest

from specdet.runs.checkpoints import read_checkpoints
from tests.runs.made import made


def checkpoint(directory, step, *, serial, files=None, **progress):
    """As the runner leaves them: the files are there in the size that the manifest says."""
    folder = directory / "checkpoints" / f"iter_{step:08d}"
    sizes = {"accelerate/model.safetensors": 100, **(files or {})}
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)
    table = {"v": 1, "serial": serial, "files": {name: {"size": size} for name, size in sizes.items()}}
    (folder / "manifest.json").write_text(json.dumps(table))
    (folder / "progress.json").write_text(json.dumps({"iter": step, **progress}))
    return folder


def test_checkpoints_are_told_without_loading_them(tmp_path):
    run = made(tmp_path)
    checkpoint(run, 10, serial=1, epoch=1, metrics={"bbox/AP": 0.25, "val/loss": None}, files={"ema.safetensors": 20})
    checkpoint(run, 20, serial=2, epoch=2)
    (run / "checkpoints" / "best.json").write_text(json.dumps({"checkpoint": "iter_00000010"}))
    found = read_checkpoints(run)
    first, second = found.found
    assert (first.iter, first.epoch, first.size, first.is_whole) == (10, 1, 120, True)
    assert first.metrics == {"bbox/AP": 0.25, "val/loss": None}
    assert first.weights == ("ema.safetensors", "accelerate/model.safetensors")
    assert found.best == first.path.name and found.last == second and second.written > 0


def test_the_last_is_what_was_written_last_and_is_whole(tmp_path):
    run = made(tmp_path)
    checkpoint(run, 40, serial=1)
    checkpoint(run, 20, serial=2)
    damaged = checkpoint(run, 30, serial=3)
    (damaged / "accelerate" / "model.safetensors").write_bytes(b"x")
    found = read_checkpoints(run)
    assert [each.iter for each in found.found] == [40, 20, 30]
    assert found.last is not None and found.last.iter == 20 and not found.found[2].is_whole


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"serial": "x", "files": []}', '{"serial": 1, "files": {"a": 3}}',
     '{"serial": 1, "files": {"../../x": {"size": 0}, "\\u0000": {"size": 1}}}'],
)  # fmt: skip
def test_whatever_lies_there_is_no_checkpoint_but_no_mistake_of_ours(tmp_path, text):
    run = made(tmp_path)
    checkpoint(run, 10, serial=1)
    (run / "checkpoints" / "iter_00000010" / "manifest.json").write_text(text)
    (found,) = read_checkpoints(run).found
    assert not found.is_whole and read_checkpoints(run).last is None


def test_links_and_other_folders_are_no_checkpoints(tmp_path):
    run = made(tmp_path)
    elsewhere = checkpoint(tmp_path / "elsewhere", 10, serial=1)
    assert read_checkpoints(run).found == ()
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "iter_00000010").symlink_to(elsewhere)
    (run / "checkpoints" / ".iter_00000020.tmp").mkdir()
    (run / "checkpoints" / "iter_text").write_text("x")
    assert read_checkpoints(run).found == ()
