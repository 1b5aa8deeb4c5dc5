"""`specdet check --data --device` in a process of its own, since it may import torch and take its time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import specdet
from app.launching.inspection import Told
from app.launching.plan import Plan
from app.security.roots import Roots

PATIENCE = 600.0  # s; annotations of millions of boxes are read
PACKAGES = str(Path(specdet.__file__).parents[1])


def deep_check_argv(plan: Plan, *, data: bool = True, device: bool = True) -> list[str]:
    """The command. `-P`: no module of the working folder is taken for one of Python's."""
    spec = str(plan.subject.spec) if plan.subject.verb != "launch" else plan.subject.argument
    asked = [*(["--data"] if data else []), *(["--device"] if device else [])]
    changes = [f"--set={change}" for change in (*plan.overrides, *plan.named)]
    within = [f"--within={folder}" for folder in Roots.here().folders]
    return [sys.executable, "-P", "-m", "specdet.cli", "check", spec, *changes, *asked, *within, "--json"]


def deep_check(plan: Plan, *, data: bool = True, device: bool = True, patience: float = PATIENCE) -> tuple[Told, ...]:
    """All problems of a plan's spec with its data and with this machine's device; waits until they are known.

    Raises:
        ValueError: Where the check does not come to an end; the message says how it ended.
    """
    path = os.pathsep.join(part for part in (PACKAGES, os.environ.get("PYTHONPATH", "")) if part)
    try:
        done = subprocess.run(
            deep_check_argv(plan, data=data, device=device), env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=patience, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"the check took over {patience:.0f} s and was ended: run `specdet check --data`") from error
    try:
        (found,) = json.loads(done.stdout)["specs"]
        return tuple(Told.read(problem) for problem in found["problems"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise ValueError(f"the check ended with exit code {done.returncode}: {said}") from error
