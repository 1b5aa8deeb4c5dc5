"""Weights of other tools under our names, ours under torchvision's, and a report of what became of each."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Literal

import attrs
from torch import Tensor

from specdet.models.weights.detectron2 import detectron2_rows
from specdet.models.weights.fixes import Given
from specdet.models.weights.mmdetection import mmdetection_rows
from specdet.models.weights.rows import Row
from specdet.models.weights.template import Values, template
from specdet.models.weights.torchvision import torchvision_rows

Source = Literal["specdet", "torchvision", "mmdetection", "detectron2"]
TABLES: Mapping[str, Callable[[Collection[str]], tuple[Row, ...]]] = {
    "specdet": lambda ours: (Row("{rest}", ("{rest}",)),),
    "torchvision": torchvision_rows,
    "mmdetection": mmdetection_rows,
    "detectron2": detectron2_rows,
}
# By what the names of a tool's detectors can be told, the first that applies.
SIGNS: tuple[tuple[Source, tuple[str, ...]], ...] = (
    (
        "detectron2",
        ("backbone.bottom_up.", "backbone.fpn_lateral", "proposal_generator."),
    ),
    ("torchvision", ("backbone.body.", "backbone.fpn.", "rpn.head.", "roi_heads.", "head.classification_head.")),
)
NOTES: Mapping[str, tuple[str, ...]] = {
    "torchvision": (
        "torchvision's first Faster R-CNN, Mask R-CNN, Keypoint R-CNN and RetinaNet of COCO were trained with "
        "norm_eps = 0 in the backbone; the second versions, FCOS and SSD with 1e-5 (SSDLite 1e-3)",
    ),
    "mmdetection": (
        'files whose names say "caffe" want model.backbone.style = "caffe" and images with blue first: '
        "model.preprocess with bgr = true, mean = [103.53, 116.28, 123.675], std = [1.0, 1.0, 1.0]",
    ),
    "detectron2": (
        "its images have blue first unless its config says otherwise: model.preprocess with bgr = true, "
        "mean = [103.53, 116.28, 123.675], std = [1.0, 1.0, 1.0]",
        'its ResNets of MSRA have the stride in the first convolution: model.backbone.style = "caffe"',
    ),
}
COUNTER = "num_batches_tracked"  # of batch norms; nothing is computed with it


@attrs.frozen(kw_only=True)
class Report:
    """What became of the weights of a file.

    Attributes:
        source: Whose names they had.
        mapped: Their name and ours, of all that were taken.
        skipped: Their name, and why it was not taken.
        missing: Our names for which there was nothing.
        misshapen: Our names, with what the file has and what the model has.
        notes: What the spec has to say for these weights.
    """

    source: Source
    mapped: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    misshapen: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Their names that nothing explains."""
        return tuple(name for name, why in self.skipped if why == UNKNOWN)

    @property
    def is_complete(self) -> bool:
        """Whether every tensor of the model came from the file, and nothing of the file remains unexplained."""
        return not (self.missing or self.misshapen or self.unknown)

    def lines(self) -> Iterator[str]:
        """All of it for people, a line each."""
        yield f"{len(self.mapped)} tensors with names of {self.source} taken"
        yield from (f"taken    {theirs} -> {ours}" for theirs, ours in self.mapped)
        yield from (f"skipped  {name}: {why}" for name, why in self.skipped)
        yield from (f"missing  {name}" for name in self.missing)
        yield from (f"shape    {name}: {text}" for name, text in self.misshapen)
        yield from (f"note     {note}" for note in self.notes)


DENSE_SCORES = (".retina_cls.bias", ".conv_cls.bias", ".atss_cls.bias")
SSD_SCORES = ("bbox_head.cls_convs.0.0.bias", "bbox_head.cls_convs.0.1.bias")
UNKNOWN = "the model has no such part"


def source_of(names: Collection[str], *, own: Collection[str]) -> Source:
    """Whose names these are; `own` are those of the model that they are for."""
    if sum(name in own for name in names) > len(names) / 2 and not any(".conv.weight" in name for name in names):
        return "specdet"
    for source, signs in SIGNS:
        if any(name.startswith(signs) for name in names):
            return source
    return "mmdetection"


def convert(
    tensors: Mapping[str, Tensor], *, own: Mapping[str, Tensor], source: Source, num_classes: int | None = None
) -> tuple[dict[str, Tensor], Report]:
    """The tensors that a model has a place for, under our names.

    Args:
        tensors: Of the file.
        own: The state dict of the model, of which only names and shapes are looked at.
        source: Whose names the file has.
        num_classes: Of the model, where that is to decide which rows of classes are taken.

    Returns:
        Tensors by our name, whether or not they have the model's shape, and what became of each.
    """
    rows = TABLES[source](own)
    made: dict[str, Tensor] = {}
    mapped, skipped = [], []
    for name, tensor in tensors.items():
        row, values = next(_fitting(name, rows, own), (None, {}))
        if row is None:
            skipped.append((name, "counts batches, which nothing needs" if name.endswith(COUNTER) else UNKNOWN))
        elif row.why:
            skipped.append((name, row.why))
        else:
            given = Given(num_classes=num_classes, anchors=_anchors(row, values, tensors))
            for ours in _present(row, values, own):
                made[ours] = row.fix.to_ours(tensor, given) if tensor.dim() else tensor
                mapped.append((name, ours))
    return made, Report(
        source=source,
        mapped=tuple(mapped),
        skipped=tuple(skipped),
        missing=tuple(name for name in own if name not in made and not name.endswith(COUNTER)),
        misshapen=tuple(
            (name, f"{tuple(tensor.shape)} in the file, {tuple(own[name].shape)} in the model")
            for name, tensor in made.items()
            if tensor.shape != own[name].shape
        ),
        notes=NOTES.get(source, ()),
    )


def to_torchvision(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Report]:
    """Tensors with our names under torchvision's; classes are numbered from 1, background is 0.

    Args:
        tensors: Of a whole model.
    """
    rows = [row for row in torchvision_rows(tensors) if not row.old and not row.why]
    made: dict[str, Tensor] = {}
    mapped, skipped = [], []
    for name, tensor in tensors.items():
        row, values = next(_written(name, rows), (None, {}))
        if row is None:
            skipped.append((name, "torchvision has no such part"))
            continue
        theirs = template(row.theirs).fill(values)
        given = Given(anchors=_our_anchors(name, tensors) if row.deltas else 1)
        made[theirs] = row.fix.to_theirs(tensor, given) if tensor.dim() else tensor
        mapped.append((name, theirs))
    return made, Report(
        source="specdet", mapped=tuple(mapped), skipped=tuple(skipped), missing=(), misshapen=(), notes=()
    )


def classes_told(tensors: Mapping[str, Tensor]) -> int | None:
    """How many classes a model with these tensors, under our names, tells apart; None where none tells."""
    for name, tensor in tensors.items():
        if name.endswith(".fc_cls.bias"):
            return len(tensor) - 1
        if name.endswith(DENSE_SCORES):
            return len(tensor) // _our_anchors(name, tensors)
    for name in SSD_SCORES:
        if name in tensors and name.replace("cls_", "reg_") in tensors:
            return len(tensors[name]) // _our_anchors(name, tensors) - 1
    return None


def _our_anchors(name: str, tensors: Mapping[str, Tensor]) -> int:
    """Boxes at each place, as the deltas beside these scores tell."""
    deltas = tensors.get(name.replace("cls", "reg").rpartition(".")[0] + ".bias")
    return 1 if deltas is None else max(1, len(deltas) // 4)


def _fitting(name: str, rows: Collection[Row], own: Collection[str]) -> Iterator[tuple[Row, Values]]:
    """The rows that say what to do with a tensor of theirs, and the values of their places."""
    for row in rows:
        values = template(row.theirs).match(name)
        if values is not None and (row.why or _present(row, values, own)):
            yield row, values


def _written(name: str, rows: Collection[Row]) -> Iterator[tuple[Row, Values]]:
    """The rows that have a tensor of ours, and the values of their places."""
    for row in rows:
        for ours in row.ours:
            if (values := template(ours).match(name)) is not None:
                yield row, values


def _present(row: Row, values: Values, own: Collection[str]) -> list[str]:
    """Those of our names that the model has: the first, or all where the row says so."""
    found = [filled for filled in (template(ours).fill(values) for ours in row.ours) if filled in own]
    return found if row.every else found[:1]


def _anchors(row: Row, values: Values, tensors: Mapping[str, Tensor]) -> int:
    deltas = tensors.get(template(row.deltas).fill(values)) if row.deltas else None
    return 1 if deltas is None else max(1, len(deltas) // 4)
