"""Starts: each request to start a run is carried out once, be it pressed twice, loaded again or open in two windows.

A request has an id, which stands in the URL of the page. Who carries it out claims the id by making a file, which no
two processes can; what came of it is written into that file, and outlives the server.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.devices import cache_folder
from specdet.runs.files import write_json
from specdet.runs.tables import FoundTable, find_table

VERSION = 1
PATIENCE, POLL = 30.0, 0.1  # s that another window may take to start the same, and between looks at it
KEPT = 30 * 86400.0  # s that it is known what a request has started


class Unclear(ValueError):
    """Whether a request was carried out is not known."""


@attrs.frozen(kw_only=True)
class Starts:
    """The requests of a user on this machine.

    Attributes:
        folder: Of a file for each.
    """

    folder: Path

    @classmethod
    def here(cls) -> "Starts":
        """Those of whoever runs this process."""
        return cls(folder=cache_folder() / "starts")

    def once(self, request: str, what: Sequence[str], start: Callable[[], Path]) -> Path:
        """Start a run unless this request has done so already; gives its directory either way.

        Args:
            request: The id.
            what: What is started, for `like`.
            start: Starts it and gives its directory. What it raises is raised, and the request may be made again.

        Raises:
            Unclear: Where another process has begun to, and has not said what came of it.
            OSError: Where no file can be made.
        """
        path = self._path(request)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.forget_old()
        try:
            file = path.open("x", encoding="utf-8")
        except FileExistsError:
            return self._outcome(path)
        try:
            with file:
                json.dump({"v": VERSION, "t": round(time.time(), 3), "what": [*what]}, file)
            run = start()
        except BaseException:  # whatever it was, nothing was started, and the next press may
            path.unlink(missing_ok=True)
            raise
        write_json(path, {"v": VERSION, "t": round(time.time(), 3), "what": [*what], "run": str(run)})
        return run

    def run_of(self, request: str) -> Path | None:
        """What a request has started; None where nothing."""
        return _run(find_table(self._path(request)))

    def like(self, request: str, what: Sequence[str], *, within: float) -> Path | None:
        """What another request has started of the same kind in the last seconds; None where there is none."""
        newest = time.time() - within
        try:
            entries = [entry for entry in os.scandir(self.folder) if entry.stat().st_mtime >= newest]
        except FileNotFoundError:
            return None
        for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime, reverse=True):
            table = find_table(Path(entry.path))
            if entry.name != self._path(request).name and table.values.get("what") == [*what] and (run := _run(table)):
                return run
        return None

    def forget_old(self) -> None:
        """Remove what nobody will ask for any more."""
        try:
            entries = [entry for entry in os.scandir(self.folder) if entry.stat().st_mtime < time.time() - KEPT]
        except FileNotFoundError:
            return
        for entry in entries:
            Path(entry.path).unlink(missing_ok=True)

    def _path(self, request: str) -> Path:
        assert is_request(request), request
        return self.folder / f"{request}.json"

    def _outcome(self, path: Path) -> Path:
        deadline = time.monotonic() + PATIENCE
        while path.exists():
            if run := _run(find_table(path)):
                return run
            if time.monotonic() > deadline:
                break
            time.sleep(POLL)
        raise Unclear("this was begun from another window, which does not say what came of it: see whether Runs has it")


def new_request() -> str:
    """An id that no other request has."""
    return secrets.token_hex(8)


def is_request(text: Any) -> bool:
    """Whether a text is an id of a request, and no path."""
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{16}", text) is not None


def _run(table: FoundTable) -> Path | None:
    return Path(run) if (run := table.text("run")) else None
