"""Saves a checkpoint again and again, with a fault at another system call each time, and says what was left.

    save_call_by_call.py FOLDER SITUATION:FAULT...

A situation is `after_another` (the folder holds a checkpoint of an earlier step) or `same_step` (it holds one of the
same step, and no other). A fault is `kill` (SIGKILL before the call), `full` (the call fails as on a full disk; not
where it removes something) or `none`. Only calls that change the disk are walked: before any other call it looks as
before the next of these. strace injects, so that calls of torch's C++ and safetensors' Rust are met too. Prints JSON.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import torch
from toy_training import toy_runner

from specdet.runner.checkpoint import FOLDER, checkpoint_name, find_checkpoint, manifest_problem, remove_leftovers

CHANGING = (
    "open", "openat", "creat", "write", "writev", "pwrite64", "pwritev", "ftruncate", "truncate",
    "fallocate", "copy_file_range", "sendfile", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link",
    "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "fsync", "fdatasync",
)  # fmt: skip
CALL = re.compile(r"^\d+\s+(\w+)\((.*)")
REFUSED, FAILED = 3, 4  # exit codes: by an OSError of a full disk, by anything else
ATTACHES_WITHIN = 20.0  # s


@attrs.frozen
class Call:
    """One system call: the `number`-th of its `name`, from 1, and its arguments as strace writes them."""

    name: str
    number: int
    arguments: str


def main() -> None:
    folder, *plans = sys.argv[1:]
    torch.set_num_threads(1)
    print(json.dumps({plan: Walk(Path(folder), *plan.split(":")).go() for plan in plans}))


class Walk:
    """One situation and one fault, at every call."""

    def __init__(self, folder: Path, situation: str, fault: str):
        self.folder, self.fault = folder / f"{situation}-{fault}", fault
        self.old_iter = 1 if situation == "after_another" else 2
        self.runner = toy_runner(self.folder, log_level="ERROR")
        self.folder.mkdir(parents=True)
        self.checkpoints = self.folder / FOLDER
        self.trace = folder / "trace"

    def go(self) -> dict:
        new = self.prepare()
        calls = self.calls()
        problems, outcomes = list[str](), Counter[str]()
        for call in [] if self.fault == "none" else calls:
            old = self.prepare(new_first=False)
            code = self.attempt(f"inject={call.name}:{self.injection()}:when={call.number}")
            outcomes["killed" if code == -signal.SIGKILL else {0: "saved", REFUSED: "refused"}.get(code, "failed")] += 1
            for problem in self.problems(old, new, code):
                problems.append(f"{call.name} {call.number} ({call.arguments[:160]}), ended with {code}: {problem}")
        return {"calls": [[call.name, call.arguments] for call in calls], "outcomes": outcomes, "problems": problems}

    def injection(self) -> str:
        return "signal=SIGKILL" if self.fault == "kill" else "error=ENOSPC"

    def prepare(self, *, new_first: bool = True) -> str:
        """Make the folder as it is before the save; gives what the old checkpoint is, or what the new one will be."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        made = self.save(2, 2.0) if new_first else ""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        old = self.save(self.old_iter, 1.0)
        return made if new_first else old

    def save(self, iter: int, weight: float) -> str:
        self.set(iter, weight)
        return content(self.runner.save_checkpoint())

    def set(self, iter: int, weight: float) -> None:
        self.runner.progress.iter = iter
        with torch.no_grad():
            for parameter in self.runner.model.parameters():
                parameter.fill_(weight)

    def calls(self) -> list[Call]:
        assert self.attempt() == 0
        counts, found = Counter[str](), list[Call]()
        for line in self.trace.read_text().splitlines():
            if match := CALL.match(line):
                name, arguments = match.groups()
                counts[name] += 1
                reads = name in ("open", "openat") and "O_CREAT" not in arguments
                frees = self.fault == "full" and name in ("unlink", "unlinkat", "rmdir")
                if str(self.checkpoints) in arguments and not reads and not frees:
                    found.append(Call(name, counts[name], arguments))
        return found

    def attempt(self, *inject: str) -> int:
        """Save in a fork, under strace; gives its exit code, negative for a signal."""
        child = os.fork()
        if child == 0:
            os._exit(self.child())
        os.waitpid(child, os.WUNTRACED)
        trace = [
            "-f",
            "-qq",
            "-y",
            "-s",
            "0",
            "-o",
            str(self.trace),
            "-e",
            "trace=" + ",".join(f"?{each}" for each in CHANGING),
        ]
        strace = subprocess.Popen(["strace", *trace, *(f"-e{each}" for each in inject), "-p", str(child)])
        try:
            self.wait_until_traced(child, strace)
            os.kill(child, signal.SIGCONT)
        except BaseException:  # an interrupt, too, must leave no stopped child
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            _, status = os.waitpid(child, 0)
            strace.wait()
        return os.waitstatus_to_exitcode(status)

    def child(self) -> int:
        try:
            self.set(2, 2.0)
            os.kill(os.getpid(), signal.SIGSTOP)
            self.runner.save_checkpoint()
        except OSError as error:
            print(repr(error), file=sys.stderr, flush=True)
            return REFUSED if error.errno == errno.ENOSPC and error.filename else FAILED
        except BaseException as error:  # a forked child ends by its exit code, whatever happened
            print(repr(error), file=sys.stderr, flush=True)
            return FAILED
        return 0

    def wait_until_traced(self, child: int, strace: subprocess.Popen) -> None:
        deadline = time.monotonic() + ATTACHES_WITHIN
        while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
            if strace.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("strace cannot attach")
            time.sleep(0.001)

    def problems(self, old: str, new: str, code: int) -> Iterator[str]:
        """What is not as it should be after a save that ended with `code`."""
        if code not in ((-signal.SIGKILL,) if self.fault == "kill" else (0, REFUSED)):
            yield "it should have ended otherwise"
        passed_over = list[str]()
        try:
            found = content(find_checkpoint(self.folder, reject=passed_over.append))
        except (FileNotFoundError, ValueError) as error:
            yield str(error)
            return
        if found not in (old, new) or (code == 0 and found != new):
            yield "what is found is neither the old checkpoint nor the new one"
        if passed_over:
            yield f"something damaged can be seen: {passed_over}"
        hidden = {path for path in self.checkpoints.iterdir() if path.name.startswith(".")}
        if self.fault == "full" and hidden and code == REFUSED:
            yield f"takes room: {sorted(path.name for path in hidden)}"
        if {*remove_leftovers(self.checkpoints)} != hidden or any(path.exists() for path in hidden):
            yield f"is not removed: {sorted(path.name for path in hidden)}"
        if self.save(2, 3.0) == "" or manifest_problem(self.checkpoints / checkpoint_name(2)):
            yield "the next save does not work"


def content(checkpoint: Path) -> str:
    """A sum that two checkpoints share where their weights, optimizers and positions are the same."""
    sums = hashlib.sha256()
    for name in ("accelerate/model.safetensors", "accelerate/optimizer.bin", "progress.json"):
        sums.update((checkpoint / name).read_bytes())
    return sums.hexdigest()


if __name__ == "__main__":
    main()
