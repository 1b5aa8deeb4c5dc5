"""WithBadImages: the part of a runner that remembers which images could not be used, until somebody tells of them."""

from collections.abc import Iterable
from typing import Any, Literal


class WithBadImages:
    """Has met bad images in "train" or "val", see `Batch.bad`."""

    mode: Literal["train", "val"]

    def __init__(self) -> None:
        super().__init__()
        self._bad_images: dict[str, dict[int, str]] = {}

    def note_bad_images(self, batches: Iterable[Any]) -> None:
        """Remember those of batches of the current mode."""
        for batch in batches:
            if bad := getattr(batch, "bad", None):
                self._bad_images.setdefault(self.mode, {}).update(bad)

    def take_bad_images(self) -> dict[str, dict[int, str]]:
        """Mode -> image id -> why, of those met on this rank since the last call."""
        bad, self._bad_images = self._bad_images, {}
        return bad
