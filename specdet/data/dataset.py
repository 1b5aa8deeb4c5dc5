"""DetectionDataset: a reader and transforms, addressed by (epoch, index)."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import attrs
import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from specdet.data.keys import image_key
from specdet.data.reader import Reader
from specdet.data.record import Record
from specdet.data.sample import Sample


class Transform(Protocol):
    """A change to an image and its boxes that draws all it needs from the generator given."""

    def __call__(self, sample: Sample, *, generator: torch.Generator) -> Sample:
        """The changed sample; the one given stays as it was."""
        ...


class DetectionDataset(Dataset[Sample]):
    """Images of one reader after their transforms.

    A sample is a pure function of (seed, epoch, index): neither the order in which samples are asked for, nor the
    process that makes them, nor any global state changes it.
    """

    def __init__(self, reader: Reader, *, transforms: Sequence[Transform] = (), seed: int = 0):
        self.reader = reader
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
        """The sample of `(epoch, index)`. Raises ValueError where its file cannot be decoded."""
        epoch, index = key
        record = self.reader.record(index)
        sample = Sample(
            image=tv_tensors.Image(self.reader.image(index)),
            boxes=tv_tensors.BoundingBoxes(
                torch.from_numpy(record.boxes.copy()),
                format=tv_tensors.BoundingBoxFormat.XYXY,  # pyright: ignore[reportCallIssue]
                canvas_size=(record.height, record.width),
            ),
            labels=torch.from_numpy(record.labels.copy()),
            crowd=torch.from_numpy(record.crowd.copy()),
            image_id=record.image_id,
            original_size=(record.height, record.width),
            key=image_key(seed=self.seed, epoch=epoch, index=index),
        )
        generator = torch.Generator().manual_seed(sample.key)
        for transform in self.transforms:
            sample = transform(sample, generator=generator)
        return _clipped(sample)

    def ground_truth(self) -> dict[str, Any]:
        """Everything that is to be found, in COCO's format and in pixels of the original images.

        A category's id is its label, an image's id the one in `Batch.image_ids`; annotations count from 1, because
        COCO's evaluation takes an annotation with the id 0 for none.
        """
        images, annotations = [], []
        for index in range(len(self)):
            record = self.reader.record(index)
            name = record.path.name if record.path else f"{record.image_id}"
            images.append({"id": record.image_id, "file_name": name, "height": record.height, "width": record.width})
            annotations += _coco_annotations(record, first_id=len(annotations) + 1)
        categories = [{"id": label, "name": name} for label, name in enumerate(self.classes)]
        return {"images": images, "annotations": annotations, "categories": categories}


def _clipped(sample: Sample) -> Sample:
    """Boxes cut at the border of the image; those with nothing left are dropped."""
    boxes = F.clamp_bounding_boxes(sample.boxes)
    keep = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    return attrs.evolve(
        sample,
        boxes=tv_tensors.wrap(boxes[keep], like=sample.boxes),  # pyright: ignore[reportCallIssue]
        labels=sample.labels[keep],
        crowd=sample.crowd[keep],
    )


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
        if record.polygons is not None:
            annotation["segmentation"] = [list(record.polygons[place])]
        yield annotation
