"""Run directories with what a test says, and processes that own them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
HOLDER = (
    "import sys; from pathlib import Path; from specdet.runs.lock import RunLock; "
    "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)
RUN_ID = "20260101-120000-rpn-0001"


def made(root: Path, run_id: str = RUN_ID, **tables: Any) -> Path:
    """A run directory in the folder `root`, with a file for each keyword: the text of it, or its table."""
    directory = root / run_id
    directory.mkdir(parents=True)
    for name, table in ({"meta": {"name": "rpn", "created": 1000.0}} | tables).items():
        content = table if isinstance(table, str) else json.dumps({"v": 1, **table})
        (directory / f"{name}.json").write_text(content)
    return directory


@contextmanager
def owned(directory: Path) -> Iterator[None]:
    """Another process owns the run, as its supervisor would, and is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
    finally:
        process.kill()
        process.communicate()
