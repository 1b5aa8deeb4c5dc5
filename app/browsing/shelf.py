"""Shelf: the data sets that were read last, or are being read, for all who look."""

import hashlib
import threading
from collections import OrderedDict

from app.browsing.opened import stamps
from app.browsing.set_job import SetJob
from app.browsing.sets import NamedSet
from app.security.roots import Roots
from specdet.experiment import Experiment

KEPT = 8  # sets; COCO's training set takes 30 MB


class Shelf:
    """At most KEPT sets; which files say what is in them, and when they changed, is part of what they are known by."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, SetJob] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, experiment: Experiment, named: NamedSet, *, roots: Roots, headers: bool = False
    ) -> tuple[str, SetJob]:
        """A set and its key. A small one is read in here; the others are on their way."""
        key = key_of(experiment, named, roots=roots, headers=headers)
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = SetJob(experiment, named, folders=roots.folders, headers=headers)
            self._jobs.move_to_end(key)
            while len(self._jobs) > KEPT:
                self._jobs.popitem(last=False)[1].cancel()
        return key, job

    def forget(self, key: str) -> None:
        """Read a set anew the next time."""
        with self._lock:
            job = self._jobs.pop(key, None)
        if job is not None:
            job.cancel()


def key_of(experiment: Experiment, named: NamedSet, *, roots: Roots, headers: bool) -> str:
    """What a set that is read is known by."""
    parts = [
        *(named.name, repr(named.spec), repr(named.training), str(experiment.data.root), str(headers)),
        *(str(folder) for folder in roots.folders),
        *stamps([named], roots=roots),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
