"""SetJob: a data set on its way; large ones are read by a process of their own."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from app.browsing.cost_job import environment
from app.browsing.opened import OpenedSet, open_set
from app.browsing.read_set import read_back
from app.browsing.sets import NamedSet
from specdet.data.findings import Finding
from specdet.data.spec import FilesSpec, VocSpec, YoloSpec
from specdet.experiment import Experiment, resolved

LARGE = 4 << 20  # bytes of annotations, from which on another process reads them
PER_NAME = 60  # bytes of annotations for each byte in a list of VOC, about
APP = str(Path(__file__).resolve().parents[2])


class SetJob:
    """One reading; `opened` is there when it is done.

    Args:
        experiment: Whose set it is.
        named: The set.
        folders: The only ones from which files may be opened.
        headers: Open every image file as well.
    """

    def __init__(self, experiment: Experiment, named: NamedSet, *, folders: Sequence[Path], headers: bool = False):
        self.started = time.monotonic()
        self.bytes = annotation_bytes(named)
        self.opened: OpenedSet | None = None
        self._experiment, self._named, self._folders, self._headers = experiment, named, tuple(folders), headers
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = False
        self._lock = threading.Lock()
        self._done = threading.Event()
        if self.is_apart:
            threading.Thread(target=self._work, name="specdet-set", daemon=True).start()
        else:
            self.opened = open_set(named, root=experiment.data.root, folders=self._folders)
            self._done.set()

    @property
    def is_apart(self) -> bool:
        """Whether another process reads it."""
        spec = self._named.spec
        if isinstance(spec, YoloSpec):  # how much there is to read is known once it is read
            return True
        return isinstance(spec, FilesSpec) and (self._headers or self.bytes > LARGE)

    def wait(self, seconds: float) -> bool:
        """Wait until it is done, at most so long; whether it is."""
        return self._done.wait(seconds)

    def cancel(self) -> None:
        """End it, if it is not done."""
        with self._lock:
            self._cancelled = True
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)  # its own group: see start_new_session

    def _work(self) -> None:
        try:
            self.opened = self._read()
        except (OSError, ValueError, KeyError) as error:  # no process, or a disk on which it could not write all
            self.opened = _failed(str(error))
        finally:
            self._done.set()

    def _read(self) -> OpenedSet:
        with tempfile.TemporaryDirectory(prefix="specdet-set-") as folder:
            spec = Path(folder) / "spec.toml"
            spec.write_text(resolved(self._experiment), encoding="utf-8")
            variables = environment()
            with self._lock:
                if self._cancelled:
                    return _failed("it was ended")
                self._process = subprocess.Popen(
                    read_argv(spec, self._named.name, folders=self._folders, headers=self._headers),
                    env=variables | {"PYTHONPATH": os.pathsep.join((APP, variables["PYTHONPATH"]))},
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                    errors="replace", start_new_session=True,
                )  # fmt: skip
            _, said = self._process.communicate()
            if self._process.returncode:
                last = (said.strip().splitlines() or ["it says nothing"])[-1]
                return _failed(f"it ended with exit code {self._process.returncode}: {last}")
            return read_back(Path(folder))


def read_argv(spec: Path, name: str, *, folders: Sequence[Path], headers: bool) -> list[str]:
    """The command. `-P`: no module of the working folder is taken for one of Python's."""
    within = [f"--within={folder}" for folder in folders]
    asked = ["--headers"] if headers else []
    return [sys.executable, "-P", "-m", "app.browsing.read_set", *within, *asked, str(spec), name, str(spec.parent)]


def annotation_bytes(named: NamedSet) -> int:
    """How much is to be read, about; what cannot be asked counts nothing."""
    each = PER_NAME if isinstance(named.spec, VocSpec) else 1
    total = 0
    for file in getattr(named.spec, "annotation_files", ()):
        try:
            total += each * file.stat().st_size
        except (OSError, ValueError):
            continue
    return total


def _failed(message: str) -> OpenedSet:
    return OpenedSet(findings=(Finding(weight="problem", what=f"reading it failed: {message}", items=("",)),))
