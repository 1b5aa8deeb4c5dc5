"""`specdet runs` as a whole process over many runs: `python -m tests.benchmarks.runs_index [--runs N]`.

Run directories are made in a temporary folder as trainings leave them: each with the files of a run, 20 metrics and
some events; a few are lost, a few hold damaged files. The first list reads them all and keeps what is settled; later
ones should cost little more than asking for the time of each directory. Beside them: a plain scan, which reads and
parses state.json, meta.json and progress.json of each run, as a process of its own too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
METRICS = [f"{family}/{name}" for family in ("bbox", "segm") for name in
           ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large", "AR@1", "AR@10", "AR@100")]  # fmt: skip
LOSSES = ["loss/rpn_cls", "loss/rpn_box"]
OLD = 1_700_000_000  # s since 1970; when the first of them was made
PLAIN_SCAN = """
import json, os, sys
found = []
for entry in os.scandir(sys.argv[1]):
    if entry.is_dir():
        row = {}
        for name in ("state.json", "meta.json", "progress.json"):
            try:
                with open(os.path.join(entry.path, name)) as file:
                    row[name] = json.load(file)
            except (OSError, ValueError):
                pass
        found.append(row)
print(len(found))
"""


def make_run(root: Path, number: int) -> None:
    """One run directory, as its training left it long ago."""
    made = OLD + 60 * number
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(made)) + f"-rpn-{number % 65536:04x}"
    directory = root / name
    directory.mkdir()
    state = ("finished", "finished", "stopped", "failed")[number % 4] if number % 100 else "running"
    values = {name: (number * 7919 + index * 104729) % 10007 / 10007 for index, name in enumerate(METRICS + LOSSES)}
    files = {
        "state.json": {"v": 1, "state": state, "attempt": 1, "t": made + 3600, "reason": "", "message": "",
                       "exit_code": 0, "signal": "", "last_lines": []},
        "meta.json": {"v": 1, "id": name, "name": "rpn", "created": made, "via": "cli", "argv": ["specdet", "launch"],
                      "cwd": "/home/me", "seed": 0, "host": {"name": os.uname().nodename, "cores": 8},
                      "versions": {f"package{index}": "1.2.3" for index in range(10)}},
        "progress.json": {"v": 1, "t": made + 3600, "attempt": 1, "phase": "finished", "iter": 90000,
                          "max_iters": 90000, "epoch": 12, "max_epochs": 12, "iters_per_s": 4.0, "eta_s": 0.0,
                          "last": values,
                          "best": {name: {"value": value, "iter": 80000} for name, value in values.items()}},
        "proc.json": {"v": 1, "by": "supervisor", "attempt": 1, "processes": 1, "devices": ["cpu"], "launcher": None,
                      "owner": {"host": os.uname().nodename, "boot": "b", "pid": 1, "start": 1}},
        "end.json": {"v": 1, "attempt": 1, "outcome": "finished", "reason": "", "message": "", "checkpoint": ""},
    }  # fmt: skip
    if state == "running":  # and then nobody said how it ended
        del files["end.json"]
    for file, table in files.items():
        (directory / file).write_text(json.dumps(table)[: 50 if number % 1000 == 999 else None])
    (directory / "run.lock").touch()
    (directory / "events.jsonl").write_text('{"v":1}\n' * 100)
    (directory / "checkpoints").mkdir()
    os.utime(directory, (made, made))


def seconds(argv: Sequence[str], *, expected: Callable[[str], bool]) -> float:
    """Wall time of a process, which must print what is expected."""
    began = time.perf_counter()
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    spent = time.perf_counter() - began
    assert expected(done.stdout), done.stdout[:1000] + done.stderr
    return spent


def main() -> None:
    """Print a table of times."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5, help="how often each is timed; the median and the worst count")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(arguments.runs):
            make_run(root, number)
        verb = [sys.executable, "-m", "specdet.cli", "runs", "--root", folder]

        def all_listed(text: str) -> bool:
            return len(text.splitlines()) == arguments.runs + 1

        def report(what: str, spent: Sequence[float]) -> None:
            middle = sorted(spent)[len(spent) // 2]
            print(f"{what:<46} {middle:7.3f} s, worst {max(spent):.3f} s", flush=True)

        print(f"{arguments.runs} run directories")
        report("specdet runs, the first time", [seconds(verb, expected=all_listed)])
        index = root / ".index.json"
        later = [seconds(verb, expected=all_listed) for _ in range(arguments.times)]
        report(f"specdet runs, later (index of {index.stat().st_size / 1e6:.1f} MB)", later)
        as_json = [*verb, "--json"]
        report("specdet runs --json, later", [seconds(as_json, expected=lambda text: len(json.loads(text)) ==
                                                      arguments.runs) for _ in range(arguments.times)])  # fmt: skip
        changed = []
        for number in range(arguments.times):
            make_run(root, arguments.runs + number)
            changed.append(seconds(verb, expected=lambda text, more=number: len(text.splitlines()) ==
                                   arguments.runs + more + 2))  # fmt: skip
        report("specdet runs, after one run more", changed)
        scan = [sys.executable, "-c", PLAIN_SCAN, folder]
        plain = [seconds(scan, expected=lambda text: int(text) == arguments.runs + arguments.times)
                 for _ in range(arguments.times)]  # fmt: skip
        report("a plain scan that parses three files of each", plain)


if __name__ == "__main__":
    main()
