"""FreshMetrics: the metrics that a logger has not written yet."""

from specdet.runner.progress import Progress


class FreshMetrics:
    """Gives each measurement of each metric once."""

    def __init__(self) -> None:
        self._seen = 0
        self._told: dict[str, int] = {}

    def skip(self, progress: Progress) -> None:
        """Take all that there is for written, as after a resume."""
        self.take(progress)

    def take(self, progress: Progress) -> dict[str, float]:
        """The metrics measured since the last call."""
        if progress.records == self._seen:  # so that a call for every step costs nothing
            return {}
        self._seen = progress.records
        fresh = {
            name: progress.metrics[name] for name, iter in progress.measured.items() if self._told.get(name) != iter
        }
        self._told |= {name: progress.measured[name] for name in fresh}
        return fresh
