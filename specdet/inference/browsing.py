"""Pictures of a data set as training sees it."""

from pathlib import Path

from specdet.data.build import build_dataset
from specdet.data.dataset import DetectionDataset
from specdet.data.root import root_problems
from specdet.data.sample import Sample
from specdet.experiment import Experiment
from specdet.experiment_masks import masks_to_train
from specdet.inference.drawing import Drawn, draw
from specdet.inference.evaluating import Role
from specdet.runner.hooks.predictions import evenly_spaced
from specdet.spec import SpecError

QUALITY = 92  # of JPEG


def browse(experiment: Experiment, folder: Path, *, role: Role, count: int, epoch: int = 0) -> list[str]:
    """Write images of a data set after their transforms, with what is on them; a sentence for each that cannot be read.

    Args:
        folder: Where to; made where it is missing.
        count: How many, evenly spaced over the data set.
        epoch: Of which epoch: the augmentation is that which training does then, to the pixel.

    Raises:
        SpecError: For data that is missing or wrong.
    """
    dataset = _opened(experiment, role)
    folder.mkdir(parents=True, exist_ok=True)
    places = evenly_spaced(count, among=len(dataset))
    digits = len(str(places[-1]))
    bad: list[str] = []
    for place in places:
        try:
            sample = dataset[epoch, place]
        except ValueError as error:
            bad.append(str(error))
            continue
        path = dataset.reader.record(place).path
        name = f"{place:0{digits}d}" + (f"-{path.stem}" if path else "")
        annotated(sample, classes=dataset.classes).save(folder / f"{name}.jpg", quality=QUALITY)
    return bad


def annotated(sample: Sample, *, classes: tuple[str, ...]):
    """The image of a sample with its boxes, names and masks, as a PIL image."""
    masks = sample.masks if sample.masks is not None else [None] * len(sample.labels)
    rows = zip(sample.boxes.tolist(), sample.labels.tolist(), sample.crowd.tolist(), masks, strict=True)
    things = [
        Drawn(
            box=(box[0], box[1], box[2], box[3]),
            text=f"{classes[label]}{' (crowd)' * crowd}",
            label=label,
            mask=None if mask is None else mask.numpy() > 0,
            crowd=crowd,
        )
        for box, label, crowd, mask in rows
    ]
    smallest_first = sorted(things, key=lambda thing: (thing.box[2] - thing.box[0]) * (thing.box[3] - thing.box[1]))
    return draw(sample.image.permute(1, 2, 0).contiguous().numpy(), smallest_first)


def _opened(experiment: Experiment, role: Role) -> DetectionDataset:
    data = experiment.data
    spec, transforms = (data.train, data.train_transforms) if role == "train" else (data.val, data.val_transforms)
    if spec is None:
        raise SpecError.one("is missing, so there is nothing to look at", path="data.val")
    if missing := root_problems(data):
        raise SpecError([problem.under("data") for problem in missing])
    return build_dataset(
        spec,
        transforms=transforms,
        seed=experiment.seed,
        training=role == "train",
        masks=masks_to_train(experiment),
        path=f"data.{role}",
    )
