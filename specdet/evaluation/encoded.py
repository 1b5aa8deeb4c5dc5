"""Masks of detections as run lengths."""

from specdet.masks import rle
from specdet.structures import Detections


def encoded_masks(detections: Detections) -> tuple[bytes, ...] | None:
    """The mask of each detection of an image; None where the detector gives none."""
    if detections.encoded is not None or detections.masks is None:
        return detections.encoded
    # Turned on its device as the encoder wants it: column by column.
    return rle.encode(detections.masks.transpose(1, 2).contiguous().cpu().transpose(1, 2).numpy())
