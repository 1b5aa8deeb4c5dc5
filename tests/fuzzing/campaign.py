"""Many changes of one kind of file, each a function of its number, with bounds on memory and time."""

import faulthandler
import logging
import resource
import signal
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import attrs

# Kind -> the class that makes a valid file in a folder, and changes it by a random generator.
KINDS = {
    "coco": "annotations:Coco",
    "voc": "annotations:Voc",
    "yolo": "annotations:Yolo",
    "images": "pictures:Images",
    "checkpoint": "checkpoints:Checkpoint",
}
MEMORY = 3 << 30  # bytes that reading may take besides what the process has
SECONDS = 30  # that one file may take; the largest take one


class TooLong(BaseException):
    """Reading a file takes longer than it may; nobody catches this by mistake."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of the changes of one kind.

    Attributes:
        counts: How many were "told" as a problem, and how many "read".
        bugs: What came of the others, by number.
    """

    kind: str
    counts: Counter[str]
    bugs: dict[int, str]


def run(kind: str, *, mutations: int, seed: int, first: int = 0) -> Outcome:
    """Change files of one kind, from number `first` on."""
    module, _, name = KINDS[kind].partition(":")
    counts, bugs = Counter[str](), {}
    with tempfile.TemporaryDirectory(prefix="fuzzing") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders warn of much that they can read
        logging.disable()  # as remarks are
        target = getattr(import_module(f"tests.fuzzing.{module}"), name)(Path(folder))
        with _bounded_memory():
            for number in range(first, first + mutations):
                bug = _one(target.attempt, Random(f"{seed} {kind} {number}"), counts)
                if bug:
                    bugs[number] = bug
    return Outcome(kind=kind, counts=counts, bugs=bugs)


def _one(attempt: Callable[[Random], str], rng: Random, counts: Counter[str]) -> str:
    """Count what comes of one change; a traceback where that is none of what it may be."""
    faulthandler.dump_traceback_later(4 * SECONDS, exit=True)  # where a library does not come back at all
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        counts[attempt(rng)] += 1
    except (Exception, TooLong):
        return traceback.format_exc(limit=-8)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
    return ""


class _bounded_memory:
    """What is more than `MEMORY` cannot be had: a file that asks for it gets a MemoryError, which is a bug."""

    def __enter__(self) -> None:
        faulthandler.enable()
        signal.signal(signal.SIGALRM, _too_long)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        self.before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, self.before[1]))

    def __exit__(self, *_: Any) -> None:
        resource.setrlimit(resource.RLIMIT_AS, self.before)


def _too_long(*_: Any) -> None:
    raise TooLong(f"more than {SECONDS} s")
