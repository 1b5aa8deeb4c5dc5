"""Storm: kills a training at random moments, resumes it, and compares it with one that was let be."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import attrs
import psutil
import torch
from safetensors.torch import load_file

from specdet.runner.checkpoint import find_checkpoint, list_checkpoints, manifest_problem
from tests.small_training import EVALUATED, SMALL, command, environment, run_of

STEPS_A_KILL = 8  # of the whole training: about what is done between two kills
STEPS_AN_EPOCH = 6
STARTING = 0.2  # of all kills come while the process starts
TERM = 0.1  # of all others ask it to save and stop
RANK = 0.3  # of the kills of several processes hit one rank alone
SPREAD = 1.0  # s of training after which the others come, at most
PATIENCE = 3  # kills without a new checkpoint, after which the next one waits for one
RESUMED = re.compile(r"resumed (\S+iter_\d+)")
REMOVED = re.compile(r"removed (\S+), which was not finished")


@attrs.define
class Report:
    """What a storm has done."""

    kills: Counter[str] = attrs.field(factory=Counter)  # by the phase that they came in
    resumed: int = 0
    leftovers: int = 0

    def __str__(self) -> str:
        phases = ", ".join(f"{count} in {phase}" for phase, count in sorted(self.kills.items()))
        return (
            f"{sum(self.kills.values())} kills ({phases}), {self.resumed} times resumed, {self.leftovers} half "
            "checkpoints removed"
        )


class Storm:
    """One training, and the weather that it is in.

    Args:
        folder: Gets a folder for the training that is let be, and one for the other.
        processes: Of the training.
        seed: Of the weather.
    """

    def __init__(self, folder: Path, *, processes: int, seed: int):
        self._calm, self._folder = folder / "calm", folder / "storm"
        self._processes, self._random = processes, random.Random(seed)
        self._began = 0.0  # when the process was started that runs now, s since 1970
        self._saved_before = 0  # steps that were saved then
        self._leftovers: list[Path] = []  # half checkpoints that lay there then
        self._fruitless = PATIENCE  # kills since there was a new checkpoint; the first one waits for one
        self._spec: list[str] = []
        self.report = Report()

    def rage(self, *, kills: int, tell: Callable[[str], None] = lambda line: None) -> None:
        """Train in calm, then in the storm; both to the end."""
        epochs = max(2, -(-kills * STEPS_A_KILL // STEPS_AN_EPOCH))
        self._spec = [f"train.max_epochs={epochs}", f"data.images_per_device={4 // self._processes}"]
        calm = self._start(self._calm)
        assert calm.wait() == 0, self._said(self._calm)
        tell(f"undisturbed: {epochs * STEPS_AN_EPOCH} steps")
        for number in range(kills):
            phase = self._strike()
            self.report.kills[phase] += 1
            tell(f"{number + 1}: killed in {phase}, {self._last_iter()} steps are saved")
        process = self._start(self._folder)
        assert process.wait() == 0, self._said(self._folder)
        self._check_start()

    def differences(self) -> list[str]:
        """What of the two trainings' last checkpoints is not the same."""
        one, other = (list_checkpoints(run_of(each) / "checkpoints")[-1] for each in (self._calm, self._folder))
        found = []
        for name in ("progress.json", "hooks.json", "classes.json"):
            if json.loads((one / name).read_text()) != json.loads((other / name).read_text()):
                found.append(name)
        for name in ("accelerate/model.safetensors", "ema.safetensors"):
            if not _equal(load_file(one / name), load_file(other / name)):
                found.append(name)
        optimizers = [torch.load(each / "accelerate/optimizer.bin", weights_only=True) for each in (one, other)]
        if not _equal(*optimizers):
            found.append("accelerate/optimizer.bin")
        return found

    # -- one kill

    def _strike(self) -> str:
        """Start or resume, and kill; gives the phase it came in."""
        process = self._start(self._folder)
        before = self._saved_before
        at_start = self._random.random() < STARTING
        if at_start and self._fruitless < PATIENCE:
            time.sleep(self._random.uniform(0.0, 3.0))
        else:
            self._await(process, self._trains)
            if self._fruitless >= PATIENCE:
                self._await(process, lambda: self._last_iter() > before)
            time.sleep(self._random.uniform(0.0, SPREAD))
        phase = self._phase()
        self._kill(process)
        self._fruitless = 0 if self._last_iter() > before else self._fruitless + 1
        self._check_start()
        return phase

    def _kill(self, process: subprocess.Popen) -> None:
        if process.poll() is not None:
            raise AssertionError(f"it ended by itself with {process.returncode}: {self._said(self._folder)}")
        if self._random.random() < TERM:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        family = []
        if process.poll() is None:
            whole = psutil.Process(process.pid)
            family = [whole, *whole.children(recursive=True)]
        alone = self._processes > 1 and self._random.random() < RANK
        for each in family[-1:] if alone else family:
            each.kill()
        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive, alive
        process.wait(60)

    # -- what is seen of it

    def _start(self, folder: Path) -> subprocess.Popen:
        folder.mkdir(parents=True, exist_ok=True)
        spec = folder / "small.toml"
        spec.write_text(SMALL)
        arguments = [str(spec), *EVALUATED, "hooks.ema.type=EMA", *self._spec]
        self._leftovers = []
        self._saved_before = self._last_iter() if folder == self._folder else 0
        runs = [*folder.glob("runs/*")]
        if runs and list_checkpoints(runs[0] / "checkpoints"):
            arguments.append(f"train.resume_from={runs[0]}")
            self._leftovers = [*(runs[0] / "checkpoints").glob(".iter_*.tmp")]
        elif runs:  # nothing to go on from: killed before the first save
            for each in runs:
                shutil.rmtree(each)
        self._began = time.time()
        own = [sys.executable, "-m", "specdet.train", *arguments]
        with (folder / "log").open("w") as log:
            return subprocess.Popen(
                own if self._processes == 1 else command(*arguments, processes=self._processes),
                env=environment(folder), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _said(self, folder: Path) -> str:
        return (folder / "log").read_text()

    def _progress(self) -> dict:
        for path in self._folder.glob("runs/*/progress.json"):
            progress = json.loads(path.read_text())
            if progress["t"] > self._began:
                return progress
        return {}

    def _trains(self) -> bool:
        return self._progress().get("phase") in ("train", "eval", "save")

    def _phase(self) -> str:
        return self._progress().get("phase", "start")

    def _last_iter(self) -> int:
        folders = [*self._folder.glob("runs/*/checkpoints")]
        found = list_checkpoints(folders[0]) if folders else []
        return int(found[-1].name.removeprefix("iter_")) if found else 0

    def _await(self, process: subprocess.Popen, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not reached():
            assert process.poll() is None, f"ended with {process.returncode}: {self._said(self._folder)}"
            assert time.monotonic() < deadline, self._said(self._folder)
            time.sleep(0.01)

    def _check_start(self) -> None:
        """What was resumed is whole, the last one, and what lay half written beside it is gone and was told."""
        said = self._said(self._folder)
        assert "Traceback" not in said or self._processes > 1, said
        resumed = RESUMED.search(said)
        if resumed is None:
            return
        path = Path(resumed[1])
        assert int(path.name.removeprefix("iter_")) == self._saved_before, (path, self._saved_before)
        if path.exists():  # else newer ones have come, and it was removed
            assert not manifest_problem(path)
        find_checkpoint(path.parents[1], reject=lambda why: (_ for _ in ()).throw(AssertionError(why)))
        self.report.resumed += 1
        if re.search("hooks, in order", said):
            removed = {Path(each) for each in REMOVED.findall(said)}
            assert removed >= {*self._leftovers}, (removed, self._leftovers)
            self.report.leftovers += len(removed)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other
