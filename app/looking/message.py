"""What the viewer in the browser is told of scenes: JSON, each image and each class name once."""

import base64
from collections.abc import Sequence
from typing import Any

from app.looking.scene import IOU_THRESHOLDS, Box, BoxKind, Scene, Verdict, media_type

KINDS: dict[BoxKind, str] = {"object": "o", "crowd": "c", "detection": "d"}
VERDICTS: dict[Verdict, str] = {
    "right": "R",
    "ignored": "I",
    "duplicate": "D",
    "class": "C",
    "place": "P",
    "class and place": "X",
    "background": "B",
}
DIGITS = 5  # of scores and IoU; both sides of a comparison are rounded alike


def scenes_message(scenes: Sequence[Scene], *, labels: Sequence[str] = ()) -> dict[str, Any]:
    """`{"ious", "labels", "images", "scenes"}`; scenes and boxes name labels and images by their place.

    Args:
        scenes: In the order in which they are shown.
        labels: All class names there are, in their order; those that boxes have besides follow.
    """
    names = {name: place for place, name in enumerate(dict.fromkeys(labels))}
    images: dict[bytes, int] = {}
    told = []
    for scene in scenes:
        for box in scene.boxes:
            if box.label:
                names.setdefault(box.label, len(names))
        image = images.setdefault(scene.image, len(images)) if media_type(scene.image) else -1
        told.append(
            {
                "key": scene.key,
                "title": scene.title,
                "note": scene.note,
                "image": image,
                "size": [scene.width, scene.height],
                "boxes": [_box(box, names) for box in scene.boxes],
            }
        )
    return {
        "ious": list(IOU_THRESHOLDS),
        "labels": list(names),
        "images": [{"type": media_type(each), "base64": base64.b64encode(each).decode("ascii")} for each in images],
        "scenes": told,
    }


def _box(box: Box, names: dict[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "at": [round(edge, 2) for edge in (box.x1, box.y1, box.x2, box.y2)],
        "label": names[box.label] if box.label else -1,
        "kind": KINDS[box.kind],
    }
    if box.score is not None:
        told["score"] = round(box.score, DIGITS)
    if box.verdicts:
        told["verdicts"] = "".join(VERDICTS[verdict] for verdict in box.verdicts)
    if box.found:
        told["found"] = [None if score is None else round(score, DIGITS) for score in box.found]
    if box.iou is not None:
        told["iou"] = round(box.iou, 2)
    return told
