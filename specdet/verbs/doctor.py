"""`specdet doctor`: what this machine has for training, what it lacks, and how to get that."""

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import attrs

from specdet.exit_codes import OK, WRONG_MACHINE
from specdet.runs.devices import cache_folder, gpus
from specdet.runs.directory import ROOT_VARIABLE, runs_root
from specdet.runs.lock import FileLock
from specdet.runs.words import byte_count

PATIENCE = 120.0  # s for torch, which a cold disk takes its time for
OLDEST_PYTHON = (3, 11)
EXTRAS = {"app": "the app", "tensorboard": "the TensorBoard hook", "timm": "backbones of timm"}
FREE_NEEDED, FREE_WANTED = 500e6, 5e9  # bytes: one checkpoint of a ResNet-50; a training's worth of them
SHARED_WANTED = 1e9  # bytes; data workers hand over their batches there
FILES_WANTED = 1024  # what most systems allow a process to open
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[.*\])?(>=(?P<least>[\d.]+))?(;\s*extra == ['\"](?P<extra>\w+)['\"])?")
# What a configuration of Accelerate may say that changes nothing.
HARMLESS = {"compute_environment": ("LOCAL_MACHINE",), "debug": ("false",), "distributed_type": ("NO", "MULTI_GPU"),
            "downcast_bf16": ("no", "'no'"), "enable_cpu_affinity": ("false",), "machine_rank": ("0",),
            "main_training_function": ("main",), "mixed_precision": ("no", "'no'"), "num_machines": ("1",),
            "rdzv_backend": ("static",), "same_network": ("true",), "use_cpu": ("false",), "gpu_ids": ("all",),
            "tpu_env": ("[]",), "tpu_use_cluster": ("false",), "tpu_use_sudo": ("false",)}  # fmt: skip

# Runs in a process of its own: a broken torch may crash, hang or print, and none of that is to reach us.
PROBE = """
import json
found = {"problems": [], "gpus": []}
def attempt(what, act):
    try:
        return act()
    except Exception as error:
        found["problems"].append(f"{what}: {type(error).__name__}: {error}".splitlines()[0])
for name in ("torch", "torchvision", "accelerate"):
    module = attempt(f"import {name}", lambda: __import__(name))
    found[name] = getattr(module, "__version__", None)
if found["torch"]:
    import torch
    found["cuda"] = torch.version.cuda
    found["distributed"] = [each for each in ("gloo", "nccl") if torch.distributed.is_available()
                            and getattr(torch.distributed, f"is_{each}_available")()]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        facts = torch.cuda.get_device_properties(index)
        found["gpus"].append({"name": facts.name, "memory": facts.total_memory})
        attempt(f"GPU {index}", lambda: torch.ones(2, device=f"cuda:{index}").sum().item())
    if found["torchvision"]:
        import torchvision
        attempt("torchvision's operators", lambda: torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5))
print(json.dumps(found))
"""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ok, note (training works, but something is worth knowing) or missing (it does not work without).
        advice: What to do.
    """

    name: str
    level: Literal["ok", "note", "missing"]
    text: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Look, and say what was found; 3 where something is missing."""
    found = list(findings())
    missing = sum(finding.level == "missing" for finding in found)
    if arguments.json:
        print(json.dumps({"ok": not missing, "findings": [attrs.asdict(finding) for finding in found]}, indent=1))
        return WRONG_MACHINE if missing else OK
    width = max(len(finding.name) for finding in found)
    for finding in found:
        print(f"{finding.level:<8} {finding.name:<{width}}  {finding.text}")
        if finding.advice:
            print(f"{'':<{width + 9}}  -> {finding.advice}")
    print(f"{missing} missing" if missing else "this machine can train")
    return WRONG_MACHINE if missing else OK


def findings() -> Iterator[Finding]:
    """All that is looked at."""
    yield _python()
    yield from _packages()
    probed = probe()
    if isinstance(probed, str):
        advice = "install it anew: pip install --force-reinstall torch torchvision"
        yield Finding(name="torch", level="missing", text=probed, advice=advice)
    else:
        yield from _torch(probed)
        yield from _gpus(probed)
    for name, folder in (("runs", runs_root()), ("cache", cache_folder())):
        yield from _folder(name, folder)
    yield from _limits()
    yield from _accelerate()
    if shutil.which("git") is None:
        yield Finding(name="git", level="note", text="not there: runs will not say which code they were made with")


def probe(*, code: str = PROBE, patience: float = PATIENCE) -> dict[str, Any] | str:
    """What torch says of itself and of the GPUs, or a sentence on why it says nothing."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=patience, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return (
            f"importing torch and asking for GPUs took over {patience:.0f} s: a driver hangs, or the disk is very slow"
        )
    said = done.stdout.strip().splitlines()
    try:
        return json.loads(said[-1])
    except (ValueError, IndexError):
        end = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return f"importing torch and asking for GPUs ends with {end}: {why}"


def _python() -> Finding:
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Finding(name="python", level="ok", text=f"{here}, {sys.executable}")
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Finding(name="python", level="missing", text=here, advice=f"specdet needs Python {oldest} or later")


def _packages() -> Iterator[Finding]:
    """What `pip install specdet` brings, and its extras."""
    try:
        requirements = importlib.metadata.requires("specdet") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding(name="specdet", level="note", text="not installed, so what it needs is not known",
                      advice="pip install -e . in its folder")  # fmt: skip
        return
    lacking: dict[str, list[str]] = {}
    for text in requirements:
        match = REQUIREMENT.match(text)
        if match and (problem := _lacks(match["name"], match["least"])):
            lacking.setdefault(match["extra"] or "", []).append(problem)
    version = importlib.metadata.version("specdet")
    if needed := lacking.get(""):
        yield Finding(name="specdet", level="missing", text=f"{version}, without {', '.join(needed)}",
                      advice="pip install --upgrade specdet")  # fmt: skip
    else:
        yield Finding(name="specdet", level="ok", text=f"{version}, with all that it needs")
    for extra, purpose in EXTRAS.items():
        if extra in lacking:
            text = f"{purpose} cannot be used without {', '.join(lacking[extra])}"
            yield Finding(name=extra, level="note", text=text, advice=f"pip install 'specdet[{extra}]'")
        else:
            yield Finding(name=extra, level="ok", text=f"{purpose} can be used")


def _lacks(package: str, least: str | None) -> str:
    """What of a required package is not there, or an empty text."""
    try:
        here = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return package
    return f"{package}>={least} (there is {here})" if least and _numbers(here) < _numbers(least) else ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3]]


def _torch(probed: dict[str, Any]) -> Iterator[Finding]:
    for name in ("torch", "torchvision", "accelerate"):
        if probed[name]:
            more = f", built for CUDA {probed['cuda']}" if name == "torch" and probed["cuda"] else ""
            yield Finding(name=name, level="ok", text=f"{probed[name]}{more}")
    for problem in probed["problems"]:
        yield Finding(name="torch", level="missing", text=problem,
                      advice="torch and torchvision go together: pip install --upgrade torch torchvision")  # fmt: skip
    if probed["torch"] and "gloo" not in probed["distributed"]:
        yield Finding(name="distributed", level="note", text="this torch has no gloo: one process on the CPU only")


def _gpus(probed: dict[str, Any]) -> Iterator[Finding]:
    try:
        driven = gpus()
    except ValueError as error:
        yield Finding(name="GPU", level="missing", text=str(error), advice="restart the machine, or ask who runs it")
        return
    seen = probed["gpus"]
    for number, gpu in enumerate(seen):
        yield Finding(name=f"GPU {number}", level="ok", text=f"{gpu['name']}, {byte_count(gpu['memory'])}")
    if seen or not probed["torch"]:
        return
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if driven and hidden is not None and hidden.strip() in ("", "-1"):
        text = f"{len(driven)} there, hidden by CUDA_VISIBLE_DEVICES={hidden!r}"
        yield Finding(name="GPU", level="note", text=text, advice="unset CUDA_VISIBLE_DEVICES")
    elif driven:
        text = f"the driver has {', '.join(gpu.name for gpu in driven)}, but torch sees none of them"
        fits = "does not fit the driver" if probed["cuda"] else "is built for the CPU"
        yield Finding(name="GPU", level="missing", text=text,
                      advice=f"this torch {fits}: take the one for your driver from pytorch.org")  # fmt: skip
    else:
        yield Finding(name="GPU", level="note", text="none: training runs on the CPU")


def _folder(name: str, folder: Path) -> Iterator[Finding]:
    """Whether a folder, or the place where it would be made, can be written to, and has room."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    how = f"set {ROOT_VARIABLE} to" if name == "runs" else "set XDG_CACHE_HOME to"
    try:
        with tempfile.TemporaryDirectory(prefix=".specdet-doctor-", dir=there) as trial:
            FileLock(Path(trial) / "lock").release()
    except OSError as error:
        text = f"{there}: nothing can be written and locked here: {error.strerror or error}"
        yield Finding(name=name, level="missing", text=text, advice=f"{how} a folder on a local disk")
        return
    free = shutil.disk_usage(there).free
    text = f"{folder}, {byte_count(free)} free"
    if free < FREE_WANTED:
        level = "missing" if free < FREE_NEEDED and name == "runs" else "note"
        advice = f"`specdet runs prune` removes checkpoints; or {how} a larger disk"
        yield Finding(name=name, level=level, text=text, advice=advice)
    else:
        yield Finding(name=name, level="ok", text=text)


def _limits() -> Iterator[Finding]:
    try:
        import resource
    except ImportError:  # Windows has neither
        return
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < FILES_WANTED:
        yield Finding(name="open files", level="note", text=f"at most {files}: data workers may run out of them",
                      advice=f"ulimit -n {FILES_WANTED * 4}")  # fmt: skip
    else:
        yield Finding(name="open files", level="ok", text="enough may be open at once")
    shared = Path("/dev/shm")  # looked at, not written to  # nosec B108
    if not shared.is_dir():
        return
    total, _, free = shutil.disk_usage(shared)
    text = f"{shared} has {byte_count(total)}, {byte_count(free)} free"
    if free < SHARED_WANTED:
        yield Finding(name="shared memory", level="note", text=f"{text}: data workers hand over their batches there",
                      advice="in a container: docker run --shm-size=8g; else data.workers_per_device = 0")  # fmt: skip
    else:
        yield Finding(name="shared memory", level="ok", text=text)


def _accelerate() -> Iterator[Finding]:
    """What would make a plain `accelerate launch` do something else than the spec says."""
    path = accelerate_config()
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    pairs = [line.partition(":") for line in lines if line[:1].isalpha() and ":" in line]
    said = {key.strip().strip('"'): value.strip().rstrip(",") for key, _, value in pairs}
    odd = [f"{key}: {value}".rstrip(": ") for key, value in said.items()
           if key != "num_processes" and value not in HARMLESS.get(key, ())]  # fmt: skip
    if odd:
        yield Finding(name="accelerate config", level="note", text=f"{path} says {', '.join(odd)}",
                      advice="`specdet launch` does not read it; a plain `accelerate launch` does")  # fmt: skip
    variables = sorted(name for name in os.environ if name.startswith("ACCELERATE_"))
    if variables:
        yield Finding(name="accelerate config", level="note", text=f"{', '.join(variables)} set in the environment",
                      advice="`specdet launch` drops them; a plain `accelerate launch` does not")  # fmt: skip
    if not odd and not variables:
        yield Finding(name="accelerate config", level="ok", text="nothing that changes what a spec says")


def accelerate_config() -> Path:
    """Where `accelerate config` leaves its answers."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    return Path(home).expanduser() / "accelerate" / "default_config.yaml"
