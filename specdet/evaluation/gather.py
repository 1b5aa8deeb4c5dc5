"""Detections on their way from the ranks to the evaluators: packed, gathered, and every image accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs
import torch
from accelerate.utils import gather_object
from torch import Tensor

from specdet.evaluation.encoded import encoded_masks
from specdet.structures import Detections


@attrs.define(kw_only=True, eq=False)
class PackedDetections:
    """The detections of many images as few tensors: quick to copy from a device and to send.

    Attributes:
        image_ids: Of each image.
        counts: Detections of each image.
        rows: One (counts of some images, 6) float32 CPU tensor a batch: box xyxy, score, label.
        masks: Of each image the encoded masks, some hundred bytes each; None where the detector gives none.
        bad: As in Batch: images that could not be used.
    """

    image_ids: list[int] = attrs.Factory(list)
    counts: list[int] = attrs.Factory(list)
    rows: list[Tensor] = attrs.Factory(list)
    masks: list[tuple[bytes, ...] | None] = attrs.Factory(list)
    bad: dict[int, str] = attrs.Factory(dict)

    def add(self, detections: Sequence[Detections], *, image_ids: Sequence[int]) -> None:
        """Append one batch; copies its boxes from their device once, and the masks of each image."""
        assert len(detections) == len(image_ids), "one Detections an image"
        self.image_ids += image_ids
        self.counts += [len(each) for each in detections]
        columns = [
            torch.cat([each.boxes.float(), each.scores[:, None].float(), each.labels[:, None].float()], 1)
            for each in detections
        ]
        if columns:
            self.rows.append(torch.cat(columns).cpu())
        self.masks += [encoded_masks(each) for each in detections]

    def unpack(self) -> dict[int, Detections]:
        """Image id -> detections, their masks encoded."""
        rows = torch.cat(self.rows) if self.rows else torch.zeros(0, 6)
        return {
            image_id: Detections(boxes=part[:, :4], scores=part[:, 4], labels=part[:, 5].long(), encoded=masks)
            for image_id, part, masks in zip(self.image_ids, rows.split(self.counts), self.masks, strict=True)
        }


def gather(own: PackedDetections) -> PackedDetections:
    """The detections of all ranks, on every rank."""
    whole = PackedDetections()
    for part in gather_object([attrs.evolve(own, rows=[torch.cat(own.rows)] if own.rows else [])]):
        whole.image_ids += part.image_ids
        whole.counts += part.counts
        whole.rows += part.rows
        whole.masks += part.masks
        whole.bad.update(part.bad)
    return whole


def check_each_once(seen: Iterable[int], *, expected: frozenset[int]) -> None:
    """Raise where an image of the data set was lost, looked at twice, or is of another data set."""
    times = Counter(seen)
    complaints = {
        "lost": sorted(expected - times.keys()),
        "seen more than once": sorted(image_id for image_id, count in times.items() if count > 1),
        "not in the ground truth": sorted(times.keys() - expected),
    }
    said = [f"{len(ids)} {what} (such as {ids[:5]})" for what, ids in complaints.items() if ids]
    if said:
        raise RuntimeError(
            f"the loader must give each of the {len(expected)} images of the ground truth once: {', '.join(said)}"
        )
