import json
import os

import pytest
from toy_training import toy_loader, toy_runner

from specdet.runner import checkpoint
from specdet.runner.checkpoint import (
    FOLDER,
    MANIFEST,
    checkpoint_name,
    find_checkpoint,
    list_checkpoints,
    manifest_problem,
    prune,
    remove_leftovers,
)


def fake(folder, iter, serial=None):
    """A checkpoint as far as lists and pruning look at it."""
    path = folder / checkpoint_name(iter)
    path.mkdir(parents=True)
    (path / "progress.json").write_text("{}")
    (path / MANIFEST).write_text(json.dumps({"v": 1, "serial": serial or iter, "files": {}}))
    return path


@pytest.fixture
def saved(tmp_path):
    runner = toy_runner(tmp_path)
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 2}})
    runner.run([toy_loader(size=16, batch=4)], [("train", 1)], 1)
    return tmp_path


def test_a_checkpoint_holds_what_it_should_and_its_manifest_covers_it(saved):
    path = saved / FOLDER / "iter_00000004"
    files = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    assert files == {
        "accelerate/model.safetensors", "accelerate/optimizer.bin", "accelerate/random_states_0.pkl",
        "progress.json", "hooks.json", "env.json", MANIFEST,
    }  # fmt: skip
    assert set(json.loads((path / MANIFEST).read_text())["files"]) == files - {MANIFEST}
    assert manifest_problem(path) == ""


def damage_length(path):
    with (path / "accelerate" / "optimizer.bin").open("ab") as file:
        file.write(b"x")


def damage_byte(path):
    file = path / "accelerate" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def damage_missing(path):
    (path / "hooks.json").unlink()


def damage_manifest(path):
    (path / MANIFEST).write_text('{"serial": 2, "files": {"progress')


def damage_serial(path):
    """Smaller than that of the checkpoint before: this one would no longer be the newest."""
    table = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps({**table, "serial": 0}))


def damage_manifest_names(path):
    """A name that no file can have."""
    table = json.loads((path / MANIFEST).read_text())
    assert table["v"] == 2
    older = {"v": 1, "serial": table["serial"], "files": {"x" * 5000: {}}}
    (path / MANIFEST).write_text(json.dumps(older))


def damage_manifest_deep(path):
    (path / MANIFEST).write_text("[" * 9000 + "]" * 9000)


def damage_no_manifest(path):
    (path / MANIFEST).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_length, "optimizer.bin has"),
        (damage_byte, "model.safetensors has changed"),
        (damage_missing, "hooks.json is missing"),
        (damage_manifest, "manifest.json cannot be read"),
        (damage_serial, "manifest.json cannot be read: .*it has changed since it was written"),
        (damage_manifest_names, "cannot be read: File name too long"),
        (damage_manifest_deep, "manifest.json cannot be read"),
        (damage_no_manifest, "has no manifest.json, so it was never finished"),
    ],
)
def test_damaged_checkpoints_are_refused_and_passed_over(saved, damage, message):
    newest = saved / FOLDER / "iter_00000004"
    damage(newest)
    with pytest.raises(ValueError, match=f"iter_00000004 is not a whole checkpoint: .*{message}"):
        find_checkpoint(newest, reject=print)
    said = []
    assert find_checkpoint(saved, reject=said.append) == saved / FOLDER / "iter_00000002"
    assert len(said) == (damage is not damage_no_manifest)


def test_nothing_to_find_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no folder: give a checkpoint"):
        find_checkpoint(tmp_path / "nowhere", reject=print)
    with pytest.raises(FileNotFoundError, match="has no whole checkpoint"):
        find_checkpoint(tmp_path, reject=print)


def test_a_save_that_fails_leaves_no_checkpoint_and_the_next_run_cleans_up(saved, monkeypatch):
    runner = toy_runner(saved)
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 1}})
    monkeypatch.setattr(checkpoint, "write_manifest", lambda *args, **kwargs: os.open("/nowhere/at/all", os.O_RDONLY))
    with pytest.raises(FileNotFoundError):
        runner.run([toy_loader(size=16, batch=4)], [("train", 1)], 1)
    folder = saved / FOLDER
    assert [path.name for path in list_checkpoints(folder)] == ["iter_00000002", "iter_00000004"]
    assert (folder / ".iter_00000001.tmp").is_dir()
    (folder / "notes").mkdir()
    assert remove_leftovers(folder) == [folder / ".iter_00000001.tmp"]
    assert {path.name for path in folder.iterdir()} == {"iter_00000002", "iter_00000004", "notes"}


def test_the_last_checkpoint_is_the_one_written_last_not_the_one_of_most_steps(tmp_path):
    folder = tmp_path / FOLDER
    fake(folder, 30, serial=3)
    fake(folder, 10, serial=1)
    fake(folder, 20, serial=4)  # written after going back to 10
    assert [path.name[-2:] for path in list_checkpoints(folder)] == ["10", "30", "20"]
    assert find_checkpoint(tmp_path, reject=print).name == checkpoint_name(20)


def test_saving_a_step_again_replaces_it(saved):
    runner = toy_runner(saved)
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 2}})
    before = json.loads((saved / FOLDER / "iter_00000002" / MANIFEST).read_text())["serial"]
    runner.run([toy_loader(size=16, batch=4, seed=9)], [("train", 1)], 1)
    folder = saved / FOLDER
    assert json.loads((folder / "iter_00000002" / MANIFEST).read_text())["serial"] > before
    assert sorted(path.name for path in folder.iterdir()) == ["iter_00000002", "iter_00000004"]


@pytest.mark.parametrize(
    ("keep_last", "keep", "left"),
    [
        (2, [], [40, 50]),
        (2, [10], [10, 40, 50]),
        (1, [50], [50]),
        (9, [], [10, 20, 30, 40, 50]),
        ("all", [], [10, 20, 30, 40, 50]),
    ],
)
def test_prune(tmp_path, keep_last, keep, left):
    for iter in (10, 20, 30, 40, 50):
        fake(tmp_path, iter)
    removed = prune(tmp_path, keep_last=keep_last, keep=[tmp_path / checkpoint_name(iter) for iter in keep])
    assert sorted(path.name for path in tmp_path.iterdir()) == [checkpoint_name(iter) for iter in left]
    assert len(removed) == 5 - len(left)
