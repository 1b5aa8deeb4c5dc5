"""The same images as several runs see them, for pages that compare runs.

A page makes a `Look` of each run, of `stored.compared_step`; takes from `most_different` (or `shared_images`) the ids
of the images that it has place for; and gives the scenes of their `row`s, one after the other, to `show_scenes` with
`columns=len(looks)` and `labels=labels_of(looks)`.
"""

from collections.abc import Sequence
from pathlib import Path

import attrs

from app.looking.counts import count
from app.looking.scene import Scene
from app.looking.stored import ComparedImage, ComparedStep, scene_of


@attrs.frozen(kw_only=True)
class Look:
    """One step of one run.

    Attributes:
        run: Its directory.
        name: What people call it.
        step: From `stored.compared_step`.
    """

    run: Path
    name: str
    step: ComparedStep


def shared_images(looks: Sequence[Look]) -> list[int]:
    """Ids of the images that all runs have stored, in the order of the first: of the same name and size in each."""
    first, *others = ({image.stored.id: _identity(image) for image in look.step.images} for look in looks)
    return [each for each, identity in first.items() if all(other.get(each) == identity for other in others)]


def most_different(looks: Sequence[Look], *, score: float, iou: float) -> list[int]:
    """The same ids, those first on which the runs differ most in how many of their boxes are wrong or missed."""
    errors: dict[int, list[int]] = {each: [] for each in shared_images(looks)}
    for look in looks:
        for image in look.step.images:
            if image.stored.id in errors:
                errors[image.stored.id].append(count(image.boxes, score=score, iou=iou).errors)
    return sorted(errors, key=lambda each: min(errors[each]) - max(errors[each]))


def row(looks: Sequence[Look], image_id: int) -> list[Scene]:
    """An image once for each run, in their order; all runs must have it."""
    scenes = []
    for place, look in enumerate(looks):
        image = next(image for image in look.step.images if image.stored.id == image_id)
        note = f"{image.title} · step {look.step.said.iter}"
        scenes.append(scene_of(look.run, image, title=look.name, note=note, key=f"{image_id} {place}"))
    return scenes


def labels_of(looks: Sequence[Look]) -> list[str]:
    """The class names of all runs, each once."""
    return list(dict.fromkeys(name for look in looks for name in look.step.said.classes))


def _identity(image: ComparedImage) -> tuple[str, int, int]:
    return image.stored.file, image.stored.width, image.stored.height
