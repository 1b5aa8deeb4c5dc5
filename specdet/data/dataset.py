"""DetectionDataset: a reader and transforms, addressed by (epoch, index)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import attrs
import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from specdet.data.images import UnreadableImage
from specdet.data.keys import image_key, mixed_key
from specdet.data.proposals import StoredProposals
from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.data.sample import Sample

REPLACEMENTS = 20  # tried for a bad image before the data set is called broken
BLANK = 64  # px, the sides of the image that stands for a bad one


class Transform(Protocol):
    """A change to an image and its boxes that draws all it needs from the generator given."""

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The changed sample; the one given stays as it was."""
        ...


class DetectionDataset(Dataset[Sample]):
    """Images of one reader after their transforms.

    A sample is a pure function of (seed, epoch, index): neither the order in which samples are asked for, nor the
    process that makes them, nor any global state changes it.

    Args:
        masks: Give samples the masks that the reader has. Its ground truth has them in any case.
        proposals: Boxes found earlier, of every image, to give with the samples.
        on_bad_image: Of an image that cannot be used: raise an error, give another image instead, for training, or a
            black one without objects, for evaluation. Samples tell of it in `bad`.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        transforms: Sequence[Transform] = (),
        seed: int = 0,
        masks: bool = False,
        proposals: StoredProposals | None = None,
        on_bad_image: Literal["error", "replace", "blank"] = "error",
    ):
        self.on_bad_image = on_bad_image
        self.reader, self.masks, self.proposals = reader, masks, proposals
        self.transforms = tuple(transforms)
        self.seed = seed

    @property
    def classes(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.reader.classes

    @property
    def sizes(self) -> np.ndarray:
        """(n, 2) int64 heights and widths before the transforms, px; nothing is decoded."""
        return self.reader.sizes

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        """The sample of `(epoch, index)`.

        Raises:
            UnreadableImage: Where its file cannot be used, and that is an error; where none of many others can.
        """
        epoch, index = key
        bad: dict[int, str] = {}
        for place in self._places(epoch, index):
            record, random = self.reader.record(place), image_key(seed=self.seed, epoch=epoch, index=place)
            try:
                image = self.reader.image(place)
            except UnreadableImage as error:
                if self.on_bad_image == "error":
                    raise
                bad[record.image_id] = str(error)
                if self.on_bad_image == "blank":
                    black = torch.zeros(3, BLANK, BLANK, dtype=torch.uint8)
                    blank = self._sample(_blank(record), image=black, key=random)
                    return attrs.evolve(blank, bad=bad, original_size=(record.height, record.width))
            else:
                return attrs.evolve(self._sample(record, image=image, key=random), bad=bad)
        raise UnreadableImage(f"{len(bad)} images one after the other cannot be used; the last: {[*bad.values()][-1]}")

    def _places(self, epoch: int, index: int) -> Iterator[int]:
        """The image's, then those of others that may stand for it: of its orientation, as batches have one.

        Each is a function of (seed, epoch, index) alone, so that no worker's luck and no resume changes it.
        """
        yield index
        wide = self.sizes[:, 1] > self.sizes[:, 0]
        alike = np.flatnonzero(wide == wide[index])
        for attempt in range(REPLACEMENTS):
            key = mixed_key(image_key(seed=self.seed, epoch=epoch, index=index), attempt)
            yield int(alike[key % len(alike)])

    def _sample(self, record: Record, *, image: torch.Tensor, key: int) -> Sample:
        sample = Sample(
            image=tv_tensors.Image(image),
            boxes=_boxes(record.boxes.copy(), record),
            labels=torch.from_numpy(record.labels.copy()),
            crowd=torch.from_numpy(record.crowd.copy()),
            image_id=record.image_id,
            original_size=(record.height, record.width),
            key=key,
            masks=_decoded(record) if self.masks else None,
            proposals=_boxes(self.proposals.of(record.image_id), record) if self.proposals else None,
        )
        generator = torch.Generator().manual_seed(sample.key)
        for transform in self.transforms:
            sample = transform(sample, generator=generator)
        return _clipped(sample)

    def ground_truth(self) -> dict[str, Any]:
        """Everything that is to be found, in COCO's format and in pixels of the original images.

        A category's id is its label, an image's id the one in `Batch.image_ids`; annotations count from 1, because
        COCO's evaluation takes an annotation with the id 0 for none. The `segmentation` of an object is its mask, where
        masks were read and it has one.
        """
        images, annotations = [], []
        for index in range(len(self)):
            record = self.reader.record(index)
            name = record.path.name if record.path else f"{record.image_id}"
            images.append({"id": record.image_id, "file_name": name, "height": record.height, "width": record.width})
            annotations += _coco_annotations(record, first_id=len(annotations) + 1)
        categories = [{"id": label, "name": name} for label, name in enumerate(self.classes)]
        return {"images": images, "annotations": annotations, "categories": categories}


def _blank(record: Record) -> Record:
    """What is known of the small image that stands for a bad one."""
    nothing = {name: getattr(record, name)[:0] for name in ("boxes", "labels", "crowd", "area")}
    return attrs.evolve(record, height=BLANK, width=BLANK, **nothing, polygons=None, masks=None)


def _boxes(boxes: np.ndarray, record: Record) -> tv_tensors.BoundingBoxes:
    return tv_tensors.BoundingBoxes(
        torch.from_numpy(boxes),
        format=tv_tensors.BoundingBoxFormat.XYXY,  # pyright: ignore[reportCallIssue]
        canvas_size=(record.height, record.width),
    )


def _decoded(record: Record) -> tv_tensors.Mask:
    """(G, height, width) uint8; all 0 where there is no mask."""
    from specdet.masks import rle  # who wants no masks does without

    encoded = record.masks if record.masks is not None else (rle.UNKNOWN,) * len(record.labels)
    return tv_tensors.Mask(torch.from_numpy(rle.decode(encoded, height=record.height, width=record.width)))


def _clipped(sample: Sample) -> Sample:
    """Boxes cut at the border of the image; objects with nothing left are dropped, proposals have no extent then."""
    boxes = F.clamp_bounding_boxes(sample.boxes)
    proposals = sample.proposals
    if proposals is not None:
        proposals = F.clamp_bounding_boxes(proposals)
    clipped = attrs.evolve(sample, boxes=boxes, proposals=proposals)
    return clipped.only((boxes[:, 2:] > boxes[:, :2]).all(dim=1))


def _coco_annotations(record: Record, *, first_id: int) -> Iterable[dict[str, Any]]:
    rows = zip(record.boxes.tolist(), record.labels.tolist(), record.crowd.tolist(), record.area.tolist(), strict=True)
    for place, ((left, top, right, bottom), label, crowd, area) in enumerate(rows):
        annotation = {
            "id": first_id + place,
            "image_id": record.image_id,
            "category_id": label,
            "bbox": [left, top, right - left, bottom - top],
            "area": area,
            "iscrowd": int(crowd),
        }
        if record.masks is not None:
            if text := record.masks[place]:
                annotation["segmentation"] = {"size": [record.height, record.width], "counts": text.decode("ascii")}
        elif record.polygons is not None:
            annotation["segmentation"] = [list(record.polygons[place])]
        yield annotation
