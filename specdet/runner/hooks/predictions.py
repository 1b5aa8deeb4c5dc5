"""PredictionsHook: what was found on some images, kept with the run to be looked at."""

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from specdet.runner.evaluated import ImageRecord
from specdet.runner.hooks.base import Hook
from specdet.runner.spec import PredictionsHookSpec
from specdet.runs.files import write_bytes
from specdet.runs.predictions import (
    IMAGES,
    Predictions,
    StoredDetection,
    StoredImage,
    StoredObject,
    image_name,
    remove_steps,
    stored_steps,
    write_predictions,
)
from specdet.structures import Detections

if TYPE_CHECKING:
    from specdet.runner.runner import Runner

QUALITY = 85  # of JPEG
PIXEL_DIGITS, SCORE_DIGITS = 2, 5


class PredictionsHook(Hook):
    """Writes `predictions/` of the run directory at each evaluation. Main rank only, and never the end of a training.

    It takes the detections that the evaluators get anyway: nothing is computed for it on a device. Where there is no
    evaluation, or none that tells its images (`runner.evaluated`), it does nothing.
    """

    def __init__(self, spec: PredictionsHookSpec):
        self.spec = spec
        self._runner: Runner | None = None

    def before_run(self, runner: "Runner") -> None:
        if runner.work_dir is None:
            raise ValueError("the Predictions hook needs a place to write to: give the Runner a work_dir")
        if not runner.is_main:
            return
        self._runner = runner
        if self._on_detections not in runner.detection_listeners:
            runner.detection_listeners.append(self._on_detections)
        self._try(self._forget_later)

    def rewind(self, runner: "Runner") -> None:
        if self._runner is not None:
            self._try(self._forget_later)

    def _on_detections(self, detections: Mapping[int, Detections]) -> None:
        self._try(lambda: self._store(detections))

    def _try(self, write: Callable[[], None]) -> None:
        """A full disk, or a folder that cannot be written to, costs the predictions, not the training."""
        runner = self._runner
        assert runner is not None
        try:
            write()
        except OSError as error:
            message = f"the predictions at iter {runner.iter} could not be stored: {error}"
            runner.logger.warning(message)
            try:
                runner.tell("alert", {"message": message})
            except OSError as untold:
                runner.logger.warning("nor could that be told: %s", untold)

    def _forget_later(self) -> None:
        """A resumed run goes back to its checkpoint: what was found after that is not of this training."""
        runner = self._runner
        assert runner is not None and runner.work_dir is not None
        later = tuple(iter for iter in stored_steps(runner.work_dir).iters if iter > runner.iter)
        remove_steps(runner.work_dir, later)
        if later:
            runner.logger.info("removed the predictions of %d later steps: the run goes back", len(later))

    def _store(self, detections: Mapping[int, Detections]) -> None:
        runner, spec = self._runner, self.spec
        assert runner is not None and runner.work_dir is not None
        if runner.evaluated is None:
            return
        reader = runner.evaluated.reader
        places = evenly_spaced(spec.images, among=len(reader))
        records = [reader.record(place) for place in places]
        self._store_images(dict(zip(places, records, strict=True)))
        path = write_predictions(
            runner.work_dir,
            Predictions(
                iter=runner.iter,
                epoch=runner.epoch,
                classes=tuple(_text(name) for name in reader.classes),
                gives_classes=runner.evaluated.gives_classes,
                min_score=spec.min_score,
                most=spec.detections,
                total=len(reader),
                images=tuple(
                    StoredImage(
                        id=record.image_id,
                        file=_text(record.path.name if record.path else f"{record.image_id}"),
                        width=record.width,
                        height=record.height,
                        objects=tuple(_objects(record)),
                        detections=tuple(self._kept(detections[record.image_id])),
                    )
                    for record in records
                    if record.image_id in detections
                ),
            ),
        )
        runner.tell("media", {"path": str(path.relative_to(runner.work_dir)), "size": path.stat().st_size})
        if spec.keep != "all":
            remove_steps(runner.work_dir, stored_steps(runner.work_dir).iters[: -spec.keep])

    def _store_images(self, records: Mapping[int, ImageRecord]) -> None:
        """Write those images that are not there yet."""
        runner = self._runner
        assert runner is not None and runner.work_dir is not None and runner.evaluated is not None
        (runner.work_dir / IMAGES).mkdir(parents=True, exist_ok=True)
        files = size = 0
        for place, record in records.items():
            path = runner.work_dir / image_name(record.image_id)
            if path.exists():
                continue
            try:
                pixels = runner.evaluated.reader.image(place)
            except ValueError as error:  # its file went meanwhile
                runner.logger.warning("an image cannot be stored with its predictions: %s", error)
                continue
            content = as_jpeg(pixels, longest_side=self.spec.longest_side)
            write_bytes(path, content, durable=False)
            files, size = files + 1, size + len(content)
        if files:
            runner.tell("media", {"path": IMAGES, "size": size, "files": files})

    def _kept(self, found: Detections) -> list[StoredDetection]:
        finite = torch.isfinite(found.boxes).all(dim=1) & torch.isfinite(found.scores)
        places = torch.nonzero(finite & (found.scores >= self.spec.min_score))[:, 0]
        best = places[found.scores[places].argsort(descending=True, stable=True)][: self.spec.detections]
        rows = zip(found.boxes[best].tolist(), found.scores[best].tolist(), found.labels[best].tolist(), strict=True)
        return [
            StoredDetection(box=_rounded(box), score=round(score, SCORE_DIGITS), label=label)
            for box, score, label in rows
        ]


def evenly_spaced(count: int, *, among: int) -> list[int]:
    """Places of `count` items among so many, as far from each other as can be; all of them where there are no more."""
    count = min(count, among)
    return [place * among // count for place in range(count)]


def as_jpeg(pixels: Tensor, *, longest_side: int) -> bytes:
    """(3, height, width) uint8 RGB as a JPEG file, made smaller where it is larger than `longest_side` px."""
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _objects(record: ImageRecord) -> list[StoredObject]:
    rows = zip(record.boxes.tolist(), record.labels.tolist(), record.crowd.tolist(), strict=True)
    return [StoredObject(box=_rounded(box), label=label, crowd=crowd) for box, label, crowd in rows]


def _rounded(box: list[float]) -> Any:
    return tuple(round(edge, PIXEL_DIGITS) for edge in box)


def _text(name: str) -> str:
    """A file name that is no UTF-8, as text that can be stored."""
    return name.encode("utf-8", "replace").decode("utf-8")
