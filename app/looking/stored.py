"""What a run has stored of its predictions, compared with the ground truth and ready to be looked at."""

import os
from pathlib import Path

import attrs

from app.looking.matching import compared
from app.looking.scene import Box, Scene
from app.looking.totals import Totals
from app.security.roots import Outside, file_of
from specdet.runs.predictions import (
    FOLDER,
    IMAGES,
    Predictions,
    Steps,
    StoredImage,
    file_name,
    image_name,
    read_predictions,
    stored_steps,
)

MOST_BYTES = 32_000_000  # of an image that is shown


@attrs.frozen(kw_only=True)
class ComparedImage:
    """An image that was stored, and its boxes with what became of them."""

    stored: StoredImage
    boxes: tuple[Box, ...]

    @property
    def title(self) -> str:
        """Its file's name, or what stands for one where it has no file."""
        stored = self.stored
        return f"image {stored.id}" if stored.file == str(stored.id) else stored.file


@attrs.frozen(kw_only=True)
class ComparedStep:
    """All that is stored of one step.

    Attributes:
        said: What its file says besides the images.
        images: Those that were stored, in the order of the data set.
        totals: Over all of them.
    """

    said: Predictions
    images: tuple[ComparedImage, ...]
    totals: Totals


def steps_of(run: Path) -> Steps:
    """The steps of which a run has predictions. Raises Outside, OSError."""
    file_of(run, FOLDER)
    return stored_steps(run)


def mark_of(run: Path, iter: int) -> tuple[int, int, int]:
    """What changes when the predictions of a step are written anew. Raises OSError."""
    status = os.stat(run / file_name(iter), follow_symlinks=False)
    return status.st_ino, status.st_mtime_ns, status.st_size


def compared_step(run: Path, iter: int) -> ComparedStep:
    """The predictions of a step. Raises Outside, OSError, and ValueError for a file that holds none."""
    read = read_predictions(file_of(run, file_name(iter)))
    images = tuple(
        ComparedImage(stored=image, boxes=compared(image, classes=read.classes, gives_classes=read.gives_classes))
        for image in read.images
    )
    return ComparedStep(
        said=attrs.evolve(read, images=()), images=images, totals=Totals.of(image.boxes for image in images)
    )


def scene_of(run: Path, image: ComparedImage, *, title: str = "", note: str = "", key: str = "") -> Scene:
    """The scene of an image, with its picture where that is there.

    Args:
        title: The image's own unless given.
        note: A second line.
        key: The image's id unless given.
    """
    stored = image.stored
    return Scene(
        image=_picture(run, stored.id),
        width=stored.width,
        height=stored.height,
        boxes=image.boxes,
        title=title or image.title,
        note=note,
        key=key or str(stored.id),
    )


def lacking_pictures(run: Path) -> str:
    """Why there are no pictures to be seen, in a sentence; empty where there are some."""
    try:
        folder = file_of(run, IMAGES)
    except Outside as error:
        return str(error)
    return "" if folder.is_dir() else f"the pictures are gone: there is no {IMAGES} in this run"


def _picture(run: Path, image_id: int) -> bytes:
    """The bytes of a stored picture; none where it is missing, a link, or no file."""
    try:
        path = file_of(run, image_name(image_id))
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
            return b""
        return path.read_bytes()
    except (Outside, OSError):
        return b""
