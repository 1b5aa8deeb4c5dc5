"""Proposals: boxes that a detector found earlier, of all images of a data set in one file.

A safetensors file. Letters: n images, p boxes of all of them together.

    image_ids  (n,) int64        the data set's own ids, as in `Batch.image_ids`
    marks      (n,) int64        a checksum of each image's file name, by which another data set is noticed
    ends       (n + 1,) int64    the boxes of image i are the rows ends[i] to ends[i + 1]
    boxes      (p, 4) float32    xyxy, px of the original images, of each image the best first
    scores     (p,) float32      0 to 1

Its metadata are `format = "specdet proposals"`, `version = "1"` and what the writer says of their origin.
"""

from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

import attrs
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.spec import SpecError
from specdet.structures import Detections

FORMAT, VERSION = "specdet proposals", "1"
SHAPES = {"image_ids": 1, "marks": 1, "ends": 1, "boxes": 2, "scores": 1}  # dimensions of each array
SHOWN = 5  # images that a sentence names


@attrs.frozen(kw_only=True, eq=False)
class StoredProposals:
    """The boxes of a file.

    Attributes:
        path: The file.
        places: Image id -> its place among the images.
        marks, ends, boxes, scores: As in the file; whole arrays, which forked loader processes share.
        limit: How many boxes of an image are used, the best; None for all.
    """

    path: Path
    places: Mapping[int, int]
    marks: np.ndarray
    ends: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    limit: int | None

    @property
    def slots(self) -> int:
        """How many boxes each image is given: those of the image with the most, at most `limit`, at least one."""
        most = max(1, int(np.diff(self.ends).max(initial=0)))
        return most if self.limit is None else min(most, self.limit)

    def of(self, image_id: int) -> np.ndarray:
        """(slots, 4) float32 xyxy in px of the original image, best first; zeros in slots that are not used."""
        place = self.places[image_id]
        own = self.boxes[self.ends[place] : self.ends[place + 1]][: self.slots]
        padded = np.zeros((self.slots, 4), np.float32)
        padded[: len(own)] = own
        return padded

    def check(self, reader: Reader) -> None:
        """Raise SpecError where a data set has images that the file has not, or other ones of the same id."""
        lacking: list[str] = []
        others: list[str] = []
        for index in range(len(reader)):
            record = reader.record(index)
            place = self.places.get(record.image_id)
            if place is None:
                lacking.append(_name(record))
            elif self.marks[place] != mark_of(record):
                others.append(_name(record))
        count = len(reader)
        if others:
            message = (
                f"was made for other images: {len(others)} of {count} differ from those that it knows by their ids"
            )
            raise SpecError.one(f"{self.path} {message}, such as {_some(others)}")
        if lacking:
            message = f"has no proposals for {len(lacking)} of {count} images, such as {_some(lacking)}"
            mend = "make them of this data set (specdet proposals)"
            raise SpecError.one(f"{self.path} {message}: {mend}")


def read_proposals(path: Path, *, limit: int | None = None) -> StoredProposals:
    """The proposals of a file.

    Args:
        limit: How many boxes of an image are used, the best; all unless given.

    Raises:
        SpecError: Where there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise SpecError.one(f"{path} does not exist: specdet proposals writes such a file", kind="environment")
    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in SHAPES} if said.get("format") == FORMAT else {}
    except (SafetensorError, OSError) as error:
        raise SpecError.one(f"{path} cannot be read as proposals ({error})", kind="environment") from error
    if not arrays:
        raise SpecError.one(f"{path} holds no proposals: specdet proposals writes such a file")
    if said.get("version") != VERSION:
        raise SpecError.one(f"{path} was written by a later version of specdet: update this one to read it")
    ends, boxes = arrays["ends"], arrays["boxes"]
    images = len(arrays["image_ids"])
    sound = (
        all(arrays[name].ndim == dimensions for name, dimensions in SHAPES.items())
        and boxes.shape[1:] == (4,)
        and (len(arrays["marks"]), len(ends), len(arrays["scores"])) == (images, images + 1, len(boxes))
        and ends[0] == 0
        and ends[-1] == len(boxes)
        and bool((np.diff(ends) >= 0).all())
        and bool(np.isfinite(boxes).all())
    )
    if not sound:
        raise SpecError.one(f"{path} holds proposals that make no sense: it was changed, or is damaged")
    return StoredProposals(
        path=path,
        places={image_id: place for place, image_id in enumerate(arrays["image_ids"].tolist())},
        marks=arrays["marks"],
        ends=ends,
        boxes=boxes.astype(np.float32, copy=False),
        scores=arrays["scores"],
        limit=limit,
    )


def proposals_file(reader: Reader, detections: Mapping[int, Detections], *, origin: Mapping[str, str]) -> bytes:
    """The content of a file with what was found in each image of a data set.

    Args:
        detections: Image id -> what was found, best first, on the CPU.
        origin: Words on where they come from, kept in the metadata.
    """
    records = [reader.record(index) for index in range(len(reader))]
    found = [detections[record.image_id] for record in records]
    arrays = {
        "image_ids": np.array([record.image_id for record in records], np.int64),
        "marks": np.array([mark_of(record) for record in records], np.int64),
        "ends": np.cumsum([0, *map(len, found)], dtype=np.int64),
        "boxes": np.concatenate([np.zeros((0, 4), np.float32), *(each.boxes.float().numpy() for each in found)]),
        "scores": np.concatenate([np.zeros(0, np.float32), *(each.scores.float().numpy() for each in found)]),
    }
    return save(arrays, metadata={"format": FORMAT, "version": VERSION, **origin})


def mark_of(record: Record) -> int:
    """A checksum of the image's file name, or, where it is drawn, of what is on it."""
    return crc32(record.path.name.encode("utf-8", "surrogateescape") if record.path else record.boxes.tobytes())


def _name(record: Record) -> str:
    return record.path.name if record.path else f"{record.image_id}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN])
