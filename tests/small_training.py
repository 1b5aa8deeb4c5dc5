"""A training in processes of its own, as a user starts it, that takes seconds."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from specdet.runs import control

# A small network on a few drawn images: seconds, but every part of a real training takes part.
SMALL = """
extends = ["specdet:rpn.toml"]
name = "small"
[model]
backbone = { base_channels = 8, norm = "GN" }
neck = { out_channels = 16 }
rpn_head = { feat_channels = 16 }
train = { loss_normalizer = "global" }
[data]
images_per_device = 4
workers_per_device = 0
train = { count = 24 }
val = { count = 5 }
[optimizer]
lr = 1e-2
type = "SGD"
momentum = 0.9
[schedule]
warmup_iters = 4
[train]
max_epochs = 2
threads_per_process = 1
log_every = { iters = 1 }
[hooks.checkpoint]
every = { iters = 1 }
keep_best = "proposal/AR@100"
"""
LAST = "iter_00000012"  # two epochs of six steps
EVALUATED = ["hooks.evaluate.every.epochs=1", "data.val_images_per_device=1"]

# A hook that makes phases long enough to be met.
PLUGIN = '''
import os
import time
from typing import ClassVar

import torch

from specdet.runner.hooks.base import Hook
from specdet.runner.spec import HookSpec
from specdet.spec import spec


@spec
class SlowSpec(HookSpec):
    """Takes its time where the test says so."""

    builds: ClassVar[str] = ":Slow"


class Slow(Hook):
    priority = "VERY_LOW"  # after the phase is told

    def __init__(self, spec):
        self.phase, _, self.seconds = os.environ.get("SLOW", "").partition(" ")

    def before_run(self, runner):
        runner.phase_listeners.append(self._on_phase)

    def before_train_iter(self, runner):
        self._on_phase("step")
        if self.phase == "memory" and runner.rank == runner.world_size - 1:
            torch.empty(10**15)
        if self.phase == "hang" and runner.iter == 2 and runner.rank == runner.world_size - 1:
            time.sleep(float(self.seconds))
        if self.phase == "bug":
            raise KeyError("bug")

    def _on_phase(self, phase):
        if phase == self.phase:
            time.sleep(float(self.seconds))


COMPONENTS = {"hook": {"Slow": SlowSpec}}
'''


def command(*arguments: str, processes: int = 1) -> list[str]:
    launcher = ["-m", "accelerate.commands.launch", "--num_machines", "1", "--num_processes", str(processes)]
    return [
        sys.executable,
        *launcher,
        *(["--multi_gpu", "--main_process_port", "0"] if processes > 1 else []),
        "-m",
        "specdet.train",
        *arguments,
    ]


def environment(tmp_path) -> dict[str, str]:
    return {
        **os.environ,
        "ACCELERATE_USE_CPU": "true",
        "SPECDET_RUNS": str(tmp_path / "runs"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),  # locks on devices
    }


def train(tmp_path, *arguments: str, processes: int = 1) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments, processes=processes), env=environment(tmp_path), capture_output=True, text=True, timeout=240
    )


def run_of(tmp_path) -> Path:
    (run,) = (tmp_path / "runs").iterdir()
    return run


def events(run: Path, kind: str) -> list[dict]:
    return [
        event for line in (run / "events.jsonl").read_text().splitlines() if (event := json.loads(line))["kind"] == kind
    ]


def losses(run: Path) -> list[list[float]]:
    return [[event["data"][name] for name in ("loss/rpn_cls", "loss/rpn_box")] for event in events(run, "metric")]


def same_weights(runs: list[Path], checkpoint: str) -> bool:
    """Whether two runs have the same weights in a checkpoint, bit for bit."""
    one, two = (load_file(run / "checkpoints" / checkpoint / "accelerate" / "model.safetensors") for run in runs)
    return one.keys() == two.keys() and all(torch.equal(value, two[name]) for name, value in one.items())


def kill_tree(process: subprocess.Popen) -> None:
    import psutil

    tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    for pid in tree:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def write_spec(folder: Path) -> list[str]:
    """Arguments for a small training in which a phase takes long where the environment says `SLOW`, as "step 1.2"."""
    plugin, spec = folder / "slow.py", folder / "small.toml"
    plugin.write_text(PLUGIN)
    spec.write_text(SMALL)
    return ["--plugin", str(plugin), str(spec), "hooks.slow.type=slow:Slow", *EVALUATED]


class Training:
    """One that goes on beside the test."""

    def __init__(self, folder: Path, *arguments: str, processes: int = 1, slow: str = "", **variables: str):
        self._folder = folder
        own = [sys.executable, "-m", "specdet.train", *arguments]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                own if processes == 1 else command(*arguments, processes=processes),
                env={**environment(folder), "SLOW": slow, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return (self._folder / "log").read_text()

    @property
    def run(self) -> Path:
        self.until(lambda: list(self._folder.glob("runs/*/state.json")))
        return run_of(self._folder)

    def until(self, condition, *, within: float = 60.0) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def reaches(self, phase: str, iter: int) -> None:
        def there() -> bool:
            try:
                progress = json.loads((self.run / "progress.json").read_text())
            except FileNotFoundError:
                return False
            return progress["phase"] == phase and progress["iter"] >= iter

        self.until(there)

    def answer(self, kind: control.Kind, *, within: float = 8.0) -> str:
        """Ask for something, and give what comes of it."""
        asked = control.ask(self.run, kind)
        deadline = time.monotonic() + within
        while (outcome := control.outcome_of(self.run, asked)) is None:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)
        return outcome

    def ends(self, *, within: float = 10.0) -> int:
        code = self.process.wait(within)
        assert "Traceback" not in self.said
        return code
