"""Why a run has no predictions, and what to do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.security.roots import Outside, file_of
from specdet.runs.launch_command import SPEC
from specdet.runs.status import RunStatus
from specdet.runs.tables import read_bytes

MOST_BYTES = 10_000_000  # of a spec
RERUN = "Change that in a copy of the spec and start it anew; a run that has begun keeps its spec."


def why_none(run: Path, status: RunStatus) -> str:
    """Sentences."""
    spec = _spec(run)
    if spec is None:
        return f"This run has no predictions, and its {SPEC} cannot be read, so nothing more can be said."
    hooks = _table(spec, "hooks")
    stores = [each for each in hooks.values() if isinstance(each, Mapping) and each.get("type") == "Predictions"]
    if not _table(spec, "eval") or not _table(_table(spec, "data"), "val"):
        lacks = "[eval]" if not _table(spec, "eval") else "[data.val]"
        return f"This run has no predictions: its spec has no {lacks}, so nothing is evaluated. {RERUN}"
    if not stores and "hooks.predictions" in (spec.get("unset") or ()):
        return f"This run has no predictions: its spec removes hooks.predictions, which stores them. {RERUN}"
    if not stores:
        return "This run has no predictions: it was started by a version of specdet that did not store any."
    if not any(each.get("enabled", True) for each in stores):
        return f"This run has no predictions: its spec says hooks.predictions.enabled = false. {RERUN}"
    if status.is_alive:
        return f"Nothing was evaluated yet: {_when(hooks)}. What is found then appears here by itself."
    return (
        f"This run has no predictions: it ended at step {status.iter}, before it was evaluated, or they could not be "
        f"stored, which its events would tell. It evaluates {_when(hooks)}."
    )


def _when(hooks: Mapping[str, Any]) -> str:
    for hook in hooks.values():
        every = _table(hook, "every") if isinstance(hook, Mapping) and hook.get("type") == "Evaluation" else {}
        for unit, word in (("epochs", "epoch"), ("iters", "optimizer step")):
            if isinstance(count := every.get(unit), int):
                return f"after every {word}" if count == 1 else f"every {count} {word}s, and at the end"
    return "when it is asked to"


def _spec(run: Path) -> Mapping[str, Any] | None:
    import tomli

    try:
        return tomli.loads(read_bytes(file_of(run, SPEC), largest=MOST_BYTES).decode("utf-8"))
    except (Outside, OSError, ValueError):  # tomli's errors are ValueErrors
        return None


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, Mapping) else {}
