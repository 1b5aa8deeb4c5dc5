"""Seconds from the shell to the first step of a training: `python -m tests.benchmarks.first_step`.

Whole processes that train a tiny network: specdet (a spec of a region proposal network on drawn shapes, with run
directory, events and evaluation prepared), a bare loop under Accelerate, and Lightning's Trainer; each by `python`, and
the first two by `accelerate launch` as well. A process has begun its training when it tells the loss of the first step,
and is then ended. They take turns, so that whatever else the machine does falls on all. What the time of specdet and of
the bare loop is spent on follows: the imports by package (`-X importtime`, which makes them slower), and all else.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.side_by_side import Row, in_turns, print_rows, rows_of

ROOT = Path(__file__).resolve().parents[2]
OURS, ACCELERATE, LIGHTNING = "specdet", "Accelerate", "Lightning"
TOLD = "iter 1"  # of the line that tells the first loss
LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "1", "--num_machines", "1",
          "--mixed_precision", "no", "--dynamo_backend", "no", "--cpu"]  # fmt: skip
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")

SPEC = """
extends = ["specdet:rpn.toml"]
unset = ["train.max_epochs", "hooks.checkpoint.keep_best"]
[model]
backbone = { base_channels = 8 }
neck = { out_channels = 16 }
rpn_head = { feat_channels = 16 }
[data]
workers_per_device = 0
train = { count = 8 }
val = { count = 2 }
[schedule]
warmup = "none"
[train]
max_iters = 1000
log_every = { iters = 1 }
"""

BARE = """
import torch
from accelerate import Accelerator

accelerator = Accelerator(cpu=True)
model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 3))
data = torch.utils.data.DataLoader(torch.rand(8, 3, 64, 64), batch_size=4)
model, optimizer, data = accelerator.prepare(model, torch.optim.AdamW(model.parameters()), data)
for step, batch in enumerate(data):
    optimizer.zero_grad()
    loss = model(batch).square().mean()
    accelerator.backward(loss)
    optimizer.step()
    print(f"iter {step + 1} loss {loss.item():.4g}", flush=True)
"""

TRAINER = """
import torch
from lightning.pytorch import LightningModule, Trainer

class Module(LightningModule):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 3))

    def training_step(self, batch, index):
        return self.body(batch).square().mean()

    def on_train_batch_end(self, outputs, batch, index):
        print(f"iter {index + 1} loss {outputs['loss'].item():.4g}", flush=True)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters())

data = torch.utils.data.DataLoader(torch.rand(8, 3, 64, 64), batch_size=4)
Trainer(accelerator="cpu", max_steps=2).fit(Module(), data)
"""


def until_told(command: Sequence[str], *, folder: Path) -> float:
    """s from the start of a process to the first line that tells a loss."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPATH": paths, "PYTHONPYCACHEPREFIX": str(folder / "compiled"), "CUDA_VISIBLE_DEVICES": ""}
    env |= {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as process:  # fmt: skip
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            if TOLD in line:
                spent = time.perf_counter() - began
                os.killpg(process.pid, signal.SIGKILL)
                return spent
            said.append(line)
    raise RuntimeError(f"{' '.join(command)} has not trained: {''.join(said[-5:])}")


def commands(folder: Path) -> dict[str, list[str]]:
    """What follows `python` or `accelerate launch`, by who trains; the scripts are written."""
    scripts = {OURS: ("small.toml", SPEC), ACCELERATE: ("bare.py", BARE), LIGHTNING: ("trainer.py", TRAINER)}
    for name, text in scripts.values():
        (folder / name).write_text(text, encoding="utf-8")
    found = {OURS: ["-m", "specdet.train", "small.toml"], ACCELERATE: ["bare.py"]}
    return found | ({LIGHTNING: ["trainer.py"]} if find_spec("lightning") else {})


def rows(*, rounds: int = 7) -> list[Row]:
    """A row for each peer and way to start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        known = commands(folder)
        plain = {who: [sys.executable, *rest] for who, rest in known.items()}
        launched = {who: [*LAUNCH, *known[who]] for who in (OURS, ACCELERATE)}
        return [
            row
            for work, started in (("first step, python", plain), ("first step, accelerate launch", launched))
            for row in rows_of(in_turns(_sides(started, folder), rounds=rounds), work=work, ours=OURS)
        ]


def _sides(started: Mapping[str, list[str]], folder: Path) -> dict[str, Callable[[], float]]:
    return {who: partial(until_told, command, folder=folder) for who, command in started.items()}


def imports(who: str) -> dict[str, float]:
    """s that the modules of each package took to be imported, without what they import themselves."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        rest = commands(folder)[who]
        until_told([sys.executable, *rest], folder=folder)  # compiles
        written = folder / "imports.txt"
        script = f'exec "{sys.executable}" -X importtime {" ".join(rest)} 2> >(tee {written})'
        until_told(["bash", "-c", script], folder=folder)
        spent: dict[str, float] = defaultdict(float)
        for found in IMPORT.finditer(written.read_text()):
            module = found[2]
            package = module.partition(".")[0]
            spent[".".join(module.split(".")[:2]) if package == "torch" else package] += int(found[1]) / 1e6
    return spent


def main() -> None:
    """Print the table, and the packages whose import takes longest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    print_rows(rows(rounds=max(parser.parse_args().rounds, 2)))
    for who in (OURS, ACCELERATE):
        spent = imports(who)
        most = ", ".join(
            f"{package} {seconds:.2f}"
            for seconds, package in sorted(((spent[each], each) for each in spent), reverse=True)[:12]
        )
        print(f"{who} imports {len(spent)} packages in {sum(spent.values()):.2f} s: {most}")


if __name__ == "__main__":
    main()
