"""Starting programs of ours as Accelerate does, on one process or several of this machine's CPU."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def launched(*program: str, processes: int) -> list[str]:
    """The command that starts `program`, a script or `-m` and a module, with what it is told.

    `--multi_gpu` is what makes Accelerate start several processes on a CPU too.
    """
    several = ["--multi_gpu", "--main_process_port", "0"] if processes > 1 else []
    options = ["--num_machines", "1", "--num_processes", str(processes), *several]
    options += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    return [sys.executable, "-m", "accelerate.commands.launch", *options, *program]


def finished(
    command: list[str], *, ok: bool = True, seconds: float = 240, **variables: str
) -> subprocess.CompletedProcess:
    """What a command said and gave, which must have succeeded, or failed where `ok` is false.

    Args:
        variables: Of its environment, besides those of the tests.
    """
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env={**environment, **variables}, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert (done.returncode == 0) == ok, done.stderr[-4000:]
    return done
