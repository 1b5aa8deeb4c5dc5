"""BadImages: tells of images that could not be used, and ends a training on too many."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from accelerate.utils import gather_object

from specdet.runner.bad_share import check_share
from specdet.runner.hooks.base import Hook

if TYPE_CHECKING:
    from specdet.runner.runner import Runner


class BadImages(Hook):
    """Each image is told once, when a window of averages ends or an evaluation did, in the log and as an event.

    What the ranks have met is put together then, so that all of them end together.

    Args:
        sizes: How many images each set has: "train" and, where there is one, "val".
        max_share: What part of a set may be bad.
    """

    priority: ClassVar[str] = "LOW"

    def __init__(self, *, sizes: Mapping[str, int], max_share: float):
        self._sizes, self._max_share = dict(sizes), max_share
        self._known: dict[str, dict[int, str]] = {name: {} for name in sizes}

    def after_train_iter(self, runner: "Runner") -> None:
        if runner.log_buffer.ready:
            self._take(runner)

    def after_train_epoch(self, runner: "Runner") -> None:
        self._take(runner)

    def after_val_epoch(self, runner: "Runner") -> None:
        self._take(runner)

    def after_run(self, runner: "Runner") -> None:
        self._take(runner)

    def evaluated(self, bad: Mapping[int, str], *, runner: "Runner") -> None:
        """What an evaluation calls, on every rank, with the images that it could not use.

        Raises:
            SpecError: Where that is too many.
        """
        self._tell(runner, {"val": bad})

    def state_dict(self) -> dict[str, Any]:
        return {"known": {name: [*known.items()] for name, known in self._known.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, known in state["known"].items():
            self._known[name] = dict(known)

    def _take(self, runner: "Runner") -> None:
        own = runner.take_bad_images()
        met: list[dict[str, dict[int, str]]] = gather_object([own]) if runner.world_size > 1 else [own]
        for each in met:
            self._tell(runner, each)

    def _tell(self, runner: "Runner", met: Mapping[str, Mapping[int, str]]) -> None:
        for name, bad in met.items():
            known = self._known[name]
            for image_id in sorted(bad.keys() - known.keys()):
                known[image_id] = bad[image_id]
                message = f"left out of {name}: {bad[image_id]}"
                runner.logger.warning(message)
                runner.tell("log", {"level": "warning", "message": message})
            check_share(known, path=f"data.{name}", size=self._sizes[name], most=self._max_share)
