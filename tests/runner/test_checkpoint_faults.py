"""A save that is killed, or that finds the disk full, at any of its system calls."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from specdet.runner.checkpoint import MANIFEST
from specdet.runs.exchange import exchange
from specdet.runs.files import write_json

PLANS = ("after_another:kill", "same_step:kill", "same_step:full", "same_step:none")


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> dict:
    if shutil.which("strace") is None:
        pytest.skip("strace, which injects the faults, is not installed")
    probe = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"strace may not trace here: {probe.stderr.strip()}")
    script = Path(__file__).with_name("save_call_by_call.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("walk")), *PLANS],
        capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if "strace cannot attach" in done.stderr:
        pytest.skip("strace may not attach to a process here")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("situation", ["after_another", "same_step"])
def test_killed_before_any_system_call_a_whole_checkpoint_is_found_and_the_rest_removed(walked, situation):
    walk = walked[f"{situation}:kill"]
    assert walk["problems"] == []
    assert walk["outcomes"] == {"killed": len(walk["calls"])} and len(walk["calls"]) > 30


def test_a_disk_that_is_full_at_any_system_call_is_an_error_with_a_path_and_loses_nothing(walked):
    walk = walked["same_step:full"]
    assert walk["problems"] == []
    assert walk["outcomes"]["refused"] > 25


def test_files_are_on_the_disk_before_the_name_that_makes_them_a_checkpoint(walked):
    calls = [(name, arguments) for name, arguments in walked["same_step:none"]["calls"]]
    accelerates = ("model.safetensors", "optimizer.bin", "random_states_0.pkl")
    files = {name: f"/{name}>" for name in (*accelerates, "progress.json", "hooks.json", "env.json", MANIFEST)}
    visible = next(at for at, (name, told) in enumerate(calls) if name == "renameat2" and ".iter_00000002.tmp" in told)
    synced = {file: last(calls, "fsync", ending) for file, ending in files.items()}
    for file, ending in files.items():
        written = max(last(calls, "write", ending), last(calls, "rename", f'/{file}"'))
        assert 0 <= written < synced[file] < visible, file  # safetensors writes its file by another name
    manifest_made = next(at for at, (name, told) in enumerate(calls) if name == "openat" and MANIFEST in told)
    assert max(at for file, at in synced.items() if file != MANIFEST) < manifest_made
    for folder in ("/accelerate>", "/.iter_00000002.tmp>"):
        assert synced[MANIFEST] < last(calls, "fsync", folder) < visible
    removed = next(at for at, (name, told) in enumerate(calls) if name.startswith("unlink"))
    assert visible < last(calls, "fsync", "/checkpoints>") < removed


def last(calls: list[tuple[str, str]], kind: str, ending: str) -> int:
    """Where the last call of a kind on a file is; -1 where there is none."""
    return max((at for at, (name, told) in enumerate(calls) if name.startswith(kind) and ending in told), default=-1)


def test_status_files_are_on_the_disk_before_they_replace_the_old_ones_and_their_names_after(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        done.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def recorded_replace(source: Path, target: Path) -> None:
        done.append(("replace", Path(source)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    write_json(tmp_path / "state.json", {"v": 1})
    temporary = done[0][1]
    assert temporary.name.startswith(".state.json.")
    assert done == [("fsync", temporary), ("replace", temporary), ("fsync", tmp_path)]


@pytest.mark.skipif(sys.platform != "linux", reason="others cannot exchange two folders in one step")
def test_exchanged_folders_have_each_others_names(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "was").write_text(name)
    if not exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this file system cannot exchange two folders in one step")
    assert (tmp_path / "one" / "was").read_text() == "other" and (tmp_path / "other" / "was").read_text() == "one"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        exchange(tmp_path / "one", tmp_path / "nowhere")


def test_a_step_is_saved_again_where_folders_cannot_be_exchanged(tmp_path, monkeypatch):
    from toy_training import toy_loader, toy_runner

    from specdet.runner import checkpoint

    monkeypatch.setattr(checkpoint, "exchange", lambda one, other: False)
    for seed in (0, 9):
        runner = toy_runner(tmp_path)
        runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 2}})
        runner.run([toy_loader(size=16, batch=4, seed=seed)], [("train", 1)], 1)
    folder = tmp_path / checkpoint.FOLDER
    assert sorted(path.name for path in folder.iterdir()) == ["iter_00000002", "iter_00000004"]
    assert json.loads((folder / "iter_00000002" / MANIFEST).read_text())["serial"] > 2
