"""Numbers of runs in words: durations, bytes, metrics."""

from specdet.runs.status import RunStatus

MAIN_METRICS = ("bbox/AP", "segm/AP", "proposal/AR@1000", "proposal/AR@100")


def duration(seconds: float) -> str:
    """Seconds for people: 45s, 12m, 3h20m, 2d4h."""
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if days:
        return f"{days}d{hours % 24}h"
    if hours:
        return f"{hours}h{minutes % 60:02d}m"
    return f"{minutes}m" if minutes else f"{int(seconds)}s"


def byte_count(count: float) -> str:
    """Bytes for people: 1.5 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def measured(status: RunStatus, metric: str) -> str:
    """The last value of a metric, and the best with its step where that is another one; empty where there is none."""
    last, best = status.last.get(metric), status.best.get(metric)
    shown = "" if metric not in status.last else "not finite" if last is None else f"{last:.4g}"
    at = f"best {best:.4g} at {status.best_iter.get(metric, 0)}" if best is not None and best != last else ""
    return f"{shown} ({at})" if shown and at else shown or at


def main_metric(status: RunStatus) -> str:
    """The one metric that says most of a run: by the field's habit, else the first that is measured, else the loss."""
    named = next((name for name in MAIN_METRICS if name in status.best), "")
    return named or next(iter(status.best), "loss" if "loss" in status.last else "")
