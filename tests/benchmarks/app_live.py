"""Watching a long run live: `python -m tests.benchmarks.app_live [--points N] [--log MB]`.

A synthetic run, owned by this process, with a million metric points and a log of 100 MB, that grows once a second as a
training would make it grow. The real server shows it in a real Chromium: how long until the first charts are there, how
many refreshes a second reach the browser, what server and browser take of a core, and how much the browser is sent.
Needs Playwright and a Chromium; SPECDET_TEST_CHROMIUM says where it is.
"""

import argparse
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
from playwright.sync_api import Page, sync_playwright

from specdet.runs.files import write_json
from specdet.runs.identity import Identity
from specdet.runs.lock import RunLock
from specdet.runs.state import RunProcess, RunState, write_process, write_state

ROOT = Path(__file__).resolve().parents[2]
RUN = "20260101-120000-synthetic-0001"
LOSSES = ("loss", "loss/rpn_cls", "loss/rpn_box")
OTHERS = ("lr", "time", "data_time", "images_per_s", "memory", "host_memory", "grad_norm")
EVALUATED = tuple(f"{prefix}/AP{what}" for prefix in ("bbox", "segm") for what in ("", "50", "75", "_small", "_large"))
EVERY, MAX_ITERS = 10, 10_000_000  # steps of a window, and of the whole run


class Synthetic:
    """A run that grows.

    Args:
        root: The folder of all runs.
        points: Of metrics, that are there from the start.
        log_bytes: Of the log, the same.
    """

    def __init__(self, root: Path, *, points: int, log_bytes: int):
        self.directory = root / RUN
        self.directory.mkdir(parents=True)
        self._window, self._start = 0, time.time() - 86400.0
        write_json(self.directory / "meta.json", {"v": 1, "id": RUN, "name": "synthetic", "created": self._start})
        lines = log_bytes // 170
        with self._open("events.jsonl") as events, self._open("out.log") as log:
            while self._window * (len(LOSSES) + len(OTHERS)) < points:
                events.write(self._event())
            for number in range(lines):
                log.write(_log_line(number))
        self._lock = RunLock(self.directory)
        write_process(self.directory, RunProcess(owner=Identity.own(), by="supervisor", devices=("cpu",)))
        write_state(self.directory, RunState(state="running"))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._grow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """It goes on no more."""
        self._over.set()
        self._thread.join()
        self._lock.release()

    def _open(self, name: str):
        return (self.directory / name).open("ab", buffering=1 << 20)

    def _event(self) -> bytes:
        self._window += 1
        step = self._window * EVERY
        noise = math.sin(self._window * 12.9898) * 43758.5453 % 1
        values = {name: (1 + number) / (1 + step / 1e4) + 0.2 * noise for number, name in enumerate(LOSSES)}
        values |= {name: number + noise for number, name in enumerate(OTHERS)}
        kind = "metric"
        if self._window % 1000 == 0:
            kind, values = "eval", {name: 0.5 - 0.4 / (1 + step / 1e5) + 0.01 * noise for name in EVALUATED}
        event = {"v": 1, "seq": self._window, "attempt": 1, "t": self._start + self._window * 0.5, "kind": kind,
                 "step": step, "epoch": step // 1000, "data": values}  # fmt: skip
        return json.dumps(event, separators=(",", ":")).encode() + b"\n"

    def _grow(self) -> None:
        while not self._over.wait(1.0):
            with self._open("events.jsonl") as events, self._open("out.log") as log:
                events.write(self._event())
                log.write(b"".join(_log_line(self._window + number) for number in range(3)))
            step = self._window * EVERY
            write_json(self.directory / "progress.json", {
                "v": 1, "t": time.time(), "attempt": 1, "phase": "train", "iter": step, "max_iters": MAX_ITERS,
                "epoch": step // 1000, "max_epochs": MAX_ITERS // 1000, "iters_per_s": 10.0, "eta_s": 3600.0,
                "last": {}, "best": {},
            }, durable=False)  # fmt: skip


def _log_line(number: int) -> bytes:
    level = "WARNING" if number % 1000 == 0 else "INFO"
    said = "loss/rpn_cls 0.1234  loss/rpn_box 0.2345  loss 0.3579  lr 0.01  time 0.1  data_time 0.01"
    place = f"epoch {number // 100} iter {number}/{MAX_ITERS}"
    return f"2026-01-01 12:00:00 {level} {place}  eta 1:00:00  {said}\n".encode()


@contextmanager
def served(workspace: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app, its address and its process."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port = asking.getsockname()[1]
    environment = {**os.environ, "SPECDET_RUNS": str(workspace / "runs"), "XDG_CACHE_HOME": str(workspace / "cache")}
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), "--server.port", str(port)],
        cwd=workspace, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while True:
            try:
                urlopen(f"http://localhost:{port}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://localhost:{port}", psutil.Process(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """What they have taken of cores so far."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def browser_processes(known: set[int]) -> list[psutil.Process]:
    """The processes that Playwright started: Chromium's, without Playwright's own driver."""
    found = [process for process in psutil.Process().children(recursive=True) if process.pid not in known]
    return [process for process in found if "node" not in process.name()]


def watch(
    page: Page, *, seconds: float, server: psutil.Process, browser: list[psutil.Process], bytes_of: list[int]
) -> str:
    """Watch for a while, and say what it took."""
    before = (cpu_seconds([server]), cpu_seconds(browser), sum(bytes_of), time.monotonic())
    ticks, last = 0, ""
    while time.monotonic() - before[3] < seconds:
        now = page.locator('[data-testid="stProgress"]').first.inner_text()
        ticks, last = ticks + (now != last), now
        time.sleep(0.2)
    spent = time.monotonic() - before[3]
    return (f"{ticks / spent:.2f} ticks/s, server {100 * (cpu_seconds([server]) - before[0]) / spent:.0f} % of a core, "
            f"browser {100 * (cpu_seconds(browser) - before[1]) / spent:.0f} %, "
            f"{(sum(bytes_of) - before[2]) / spent / 1000:.0f} kB/s to the browser")  # fmt: skip


def main() -> None:
    """Print a line for each part of the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--log", type=int, default=100, help="MB of log")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each part is watched")
    parser.add_argument("--keep", action="store_true", help="serve until Ctrl-C instead of measuring")
    arguments = parser.parse_args()
    program = os.environ.get("SPECDET_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        run = Synthetic(workspace / "runs", points=arguments.points, log_bytes=arguments.log * 1_000_000)
        sizes = {name: (run.directory / name).stat().st_size / 1e6 for name in ("events.jsonl", "out.log")}
        print(f"{arguments.points:,} points in {sizes['events.jsonl']:.0f} MB, a log of {sizes['out.log']:.0f} MB")
        with served(workspace) as (url, server), sync_playwright() as playwright:
            if arguments.keep:
                print(f"{url}/run?run={RUN}", flush=True)
                signal.pause()
            known = {process.pid for process in psutil.Process().children(recursive=True)}
            chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            browser = browser_processes(known)
            page = chromium.new_page(viewport={"width": 1280, "height": 900})
            received: list[int] = []
            page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
            began = time.monotonic()
            page.goto(f"{url}/run?run={RUN}")
            chart = page.locator('[data-testid="stVegaLiteChart"] canvas')
            page.get_by_text("Reading").or_(chart).first.wait_for(timeout=60_000)
            print(f"says what it reads, or shows it, after {time.monotonic() - began:.1f} s")
            chart.first.wait_for(timeout=300_000)
            print(f"first chart after {time.monotonic() - began:.1f} s")
            began = time.monotonic()
            page.reload()
            chart.first.wait_for(timeout=60_000)
            print(f"first chart again, once it is read, after {time.monotonic() - began:.1f} s")
            browser = browser_processes(known)
            for part in ("charts", "log", "evaluations", "events", "spec"):
                page.goto(f"{url}/run?run={RUN}&tab={part}")
                time.sleep(5)
                told = watch(page, seconds=arguments.seconds, server=server, browser=browser, bytes_of=received)
                print(f"{part:<12} {told}", flush=True)
            page.goto(f"{url}/run?run={RUN}&tab=log&q=iter%20123456/")
            began = time.monotonic()
            page.get_by_text("1 of").first.wait_for(timeout=60_000)
            print(f"searched the whole log in {time.monotonic() - began:.1f} s")
            chromium.close()
        run.close()


if __name__ == "__main__":
    main()
