"""A run that is killed at any moment and resumed ends with the weights of one that was never killed, bit for bit."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.processes import finished, launched

SCRIPT = Path(__file__).parent / "resume_script.py"
LAST = "iter_00000024"  # two epochs of 12 steps
COMPARED = ("accelerate/model.safetensors", "ema.safetensors")


def launch(folder: Path, *trainings: str, ok: bool = True) -> None:
    finished(launched(str(SCRIPT), str(folder), *trainings, processes=2), ok=ok)


def hashes(folder: Path, name: str) -> dict[str, str]:
    files = json.loads((folder / name / "checkpoints" / LAST / "manifest.json").read_text())["files"]
    return {file: files[file]["sha256"] for file in COMPARED}


def check(folder: Path, cases: list[str], *, world_size: int) -> None:
    for case in cases:
        assert hashes(folder, f"{case}-killed") == hashes(folder, f"{case}-straight"), case
        events = [json.loads(line) for line in (folder / f"{case}-killed" / "events.jsonl").read_text().splitlines()]
        assert {event["attempt"] for event in events} == {1, 2}
        assert [event["seq"] for event in events] == list(range(len(events)))
        meta = json.loads((folder / f"{case}-killed" / "meta.json").read_text())
        assert meta["world_size"] == world_size


def test_one_process(tmp_path):
    cases = ["0-1-forward", "2-1-step", "0-2-save", "2-2-evaluate", "0-2-forward", "0-1-evaluate"]
    trainings = [f"{plan}:{case}" for case in cases for plan in ("straight", "killed", "resumed")]
    stderr = finished([sys.executable, str(SCRIPT), str(tmp_path), *trainings]).stderr
    assert len({*map(str, (hashes(tmp_path, f"{case}-straight") for case in cases))}) > 1  # accumulation is no no-op
    check(tmp_path, cases, world_size=1)
    leftovers = [path for case in cases for path in (tmp_path / f"{case}-killed" / "checkpoints").glob(".*")]
    assert not leftovers, stderr


@pytest.mark.skipif(os.name != "posix", reason="gloo over local processes")
def test_two_processes(tmp_path):
    first, second = cases = ["0-2-save", "2-1-step"]
    launch(tmp_path, f"straight:{first}", f"straight:{second}", f"killed:{first}", ok=False)
    launch(tmp_path, f"resumed:{first}", f"killed:{second}", ok=False)
    assert not (tmp_path / f"{second}-killed" / "checkpoints" / LAST).exists()
    launch(tmp_path, f"resumed:{second}")
    check(tmp_path, cases, world_size=2)
