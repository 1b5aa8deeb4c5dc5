"""From files to what is found in them: read, detect, write down, draw."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from specdet.data.images import read_pixels
from specdet.inference.drawing import Drawn, draw
from specdet.inference.prediction_files import PICTURES, KnownIds, PredictionFiles
from specdet.inference.predictor import Predictor
from specdet.inference.sources import Source
from specdet.inference.video import VideoReader, VideoWriter
from specdet.structures import Detections

READERS = 4  # threads that decode ahead
QUALITY = 92  # of JPEG


@attrs.frozen(kw_only=True)
class Drawing:
    """Which pictures are drawn: what scores at least so much."""

    min_score: float


@attrs.frozen(kw_only=True, eq=False)
class _Picture:
    source: Source
    pixels: np.ndarray
    frame: int | None = None


def predict_sources(
    predictor: Predictor,
    sources: Sequence[Source],
    files: PredictionFiles,
    *,
    drawing: Drawing | None,
    ids: KnownIds | None = None,
    every: int = 1,
    on_done: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Write down what is found in all sources; gives a sentence for each that could not be looked at.

    Args:
        drawing: Which pictures to draw, if any.
        ids: Of images, where they are known.
        every: Of a video, each so many-th frame.
        on_done: Told how many sources are done.
    """
    bad: list[str] = []
    stills = [source for source in sources if not source.is_video]
    done = 0
    if ids is not None:
        known = [source for source in stills if ids.of_image(source.name) is not None]
        unknown = [source for source in stills if ids.of_image(source.name) is None]
        bad += [f"{source.path}: the annotations have no image of this name" for source in unknown]
        stills, done = known, len(unknown)
    pictures = _read_ahead(stills, bad)
    while batch := [*islice(pictures, predictor.batch_size)]:
        for picture, found in _detected(predictor, batch):
            image_id = None if ids is None else ids.of_image(picture.source.name)
            _write(files, picture, found, image_id=image_id)
            if drawing is not None:
                path = _place(files, picture.source, ".jpg")
                drawn(picture.pixels, found, min_score=drawing.min_score).save(path, quality=QUALITY)
        done += len(batch)
        on_done(done)
    for source in sources:
        if source.is_video:
            try:
                _predict_video(predictor, source, files, drawing=drawing, every=every)
            except ValueError as error:
                bad.append(str(error))
            done += 1
            on_done(done)
    return bad


def drawn(pixels: np.ndarray, found: Detections, *, min_score: float) -> Any:
    """The picture with what scores at least so much, as a PIL image.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        found: With class names.
    """
    shown = found.above(min_score)
    names = [f"{name} " for name in shown.names] if len(found.class_names or ()) > 1 else [""] * len(shown)
    masks = shown.masks if shown.masks is not None else [None] * len(shown)
    rows = zip(shown.boxes.tolist(), names, shown.scores.tolist(), shown.labels.tolist(), masks, strict=True)
    things = [
        Drawn(
            box=(box[0], box[1], box[2], box[3]),
            text=f"{name}{score:.2f}",
            label=label,
            mask=None if mask is None else mask.numpy(),
        )
        for box, name, score, label, mask in rows
    ]
    return draw(pixels, things)


def _detected(predictor: Predictor, batch: Sequence[_Picture]) -> Iterator[tuple[_Picture, Detections]]:
    return zip(batch, predictor([picture.pixels for picture in batch]), strict=True)


def _read_ahead(sources: Sequence[Source], bad: list[str]) -> Iterator[_Picture]:
    """The pictures that can be read, in order; threads decode those that come next."""

    def read(source: Source) -> _Picture | str:
        try:
            return _Picture(source=source, pixels=read_pixels(source.path))
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(READERS) as pool:
        rest = iter(sources)
        waiting = [pool.submit(read, source) for source in islice(rest, 2 * READERS)]
        while waiting:
            found = waiting.pop(0).result()
            waiting += [pool.submit(read, source) for source in islice(rest, 1)]
            if isinstance(found, str):
                bad.append(found)
            else:
                yield found


def _predict_video(
    predictor: Predictor, source: Source, files: PredictionFiles, *, drawing: Drawing | None, every: int
) -> None:
    reader = VideoReader(source.path)
    frames = (
        _Picture(source=source, pixels=pixels, frame=number)
        for number, pixels in enumerate(reader)
        if number % every == 0
    )
    writer = None if drawing is None else VideoWriter(_place(files, source, ".mp4"), rate=reader.rate / every)
    try:
        while batch := [*islice(frames, predictor.batch_size)]:
            for picture, found in _detected(predictor, batch):
                _write(files, picture, found)
                if writer is not None and drawing is not None:
                    writer.add(drawn(picture.pixels, found, min_score=drawing.min_score))
    finally:
        if writer is not None:
            writer.close()


def _write(files: PredictionFiles, picture: _Picture, found: Detections, *, image_id: int | None = None) -> None:
    height, width = picture.pixels.shape[:2]
    name = picture.source.name.as_posix()
    files.add(found, name=name, size=(height, width), image_id=image_id, frame=picture.frame)


def _place(files: PredictionFiles, source: Source, suffix: str) -> Path:
    path = files.folder / PICTURES / source.name.with_suffix(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
