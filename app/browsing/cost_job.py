"""CostJob: `specdet cost` of a spec in a process of its own, which imports torch and may read large annotations."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

import specdet

PATIENCE = 600.0  # s; annotations of millions of boxes are read
PAUSE = 0.4  # s before it starts: whoever types has not finished yet
PACKAGES = str(Path(specdet.__file__).parents[1])
# Each takes a core for seconds, and half a GiB: what several tabs ask is told one after the other.
_ONE_AT_A_TIME = threading.Semaphore()


@attrs.frozen(kw_only=True)
class CostAnswer:
    """What came of it.

    Attributes:
        cost: As `specdet cost --json` tells it; empty where the spec is wrong.
        problems: Sentences on what a training would not start with, here.
        failure: Why there is nothing at all, or an empty string.
    """

    cost: dict[str, Any] = attrs.field(factory=dict)
    problems: tuple[str, ...] = ()
    failure: str = ""


class CostJob:
    """One asking. It begins after a short pause, so that one of each typed letter can be cancelled for nothing.

    Args:
        text: A spec with nothing left to extend.
        processes: How many are to train together.
        folders: The only ones from which data may be opened.
    """

    def __init__(self, text: str, *, processes: int = 1, folders: Sequence[Path], pause: float = PAUSE):
        self.started = time.monotonic()
        self._text, self._processes, self._folders, self._pause = text, processes, tuple(folders), pause
        self._answer: CostAnswer | None = None
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = threading.Event()
        self._done = threading.Event()
        self._lock = threading.Lock()  # between a start and a cancel
        threading.Thread(target=self._work, name="specdet-cost", daemon=True).start()

    @property
    def answer(self) -> CostAnswer | None:
        """What came of it, or None while it is not done, and for ever where it was cancelled."""
        return self._answer

    def wait(self, seconds: float) -> bool:
        """Wait until it is done or cancelled, at most so long; whether it is."""
        return self._done.wait(seconds)

    def cancel(self) -> None:
        """End it; nothing comes of it any more. Does nothing where it is done."""
        self._cancelled.set()
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)  # its own group: see start_new_session

    def _work(self) -> None:
        try:
            if self._cancelled.wait(self._pause):
                return
            while not _ONE_AT_A_TIME.acquire(timeout=0.1):
                if self._cancelled.is_set():
                    return
            try:
                self._answer = self._asked()
            finally:
                _ONE_AT_A_TIME.release()
        except OSError as error:
            self._answer = CostAnswer(failure=f"it could not be asked: {error.strerror or error}")
        finally:
            self._done.set()

    def _asked(self) -> CostAnswer | None:
        with tempfile.TemporaryDirectory(prefix="specdet-cost-") as folder:
            spec = Path(folder) / "spec.toml"
            spec.write_text(self._text, encoding="utf-8")
            with self._lock:
                if self._cancelled.is_set():
                    return None
                self._process = subprocess.Popen(
                    cost_argv(spec, processes=self._processes, folders=self._folders),
                    env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True, errors="replace", start_new_session=True,
                )  # fmt: skip
            try:
                out, said = self._process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self.cancel()
                self._process.communicate()
                return CostAnswer(failure=f"it took over {PATIENCE:.0f} s and was ended")
            if self._cancelled.is_set():
                return None
            return read_answer(out, said=said, code=self._process.returncode)


def cost_argv(spec: Path, *, processes: int, folders: Sequence[Path]) -> list[str]:
    """The command. `-P`: no module of the working folder is taken for one of Python's."""
    within = [f"--within={folder}" for folder in folders]
    return [sys.executable, "-P", "-m", "specdet.cli", "cost", str(spec), "--json", f"--processes={processes}", *within]


def environment() -> dict[str, str]:
    """That of the process, in which it finds this very specdet."""
    path = os.pathsep.join(part for part in (PACKAGES, os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "PYTHONPATH": path}


def read_answer(out: str, *, said: str, code: int) -> CostAnswer:
    """What the process printed."""
    try:
        document = json.loads(out)
        problems = [(str(each["path"]), str(each["message"])) for each in document["problems"]]
        cost = document.get("cost") or {}
        if not isinstance(cost, dict) or not (cost or problems):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError):
        last = (said.strip().splitlines() or ["it says nothing"])[-1]
        return CostAnswer(failure=f"it ended with exit code {code}: {last}")
    sentences = (": ".join(part for part in problem if part) for problem in problems)
    return CostAnswer(cost=cost, problems=tuple(dict.fromkeys(sentences)))
