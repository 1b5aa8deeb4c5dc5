"""Image files: reading pixels and sizes, and knowing which exist.

Pillow decodes: torchvision's decoders are a quarter faster, but deprecated since 0.29, and know fewer formats.
"""

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from torch import Tensor

ORIENTATION = 0x0112  # the EXIF tag
SWAPS_SIDES = range(5, 9)  # its values that turn an image by a quarter
# What Pillow raises for bad files: the first line as it says, the second where damage is met by its decoders.
UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError),
    *(RuntimeError, AssertionError, LookupError, ArithmeticError, TypeError, struct.error),
)


# What photographs come as. Pillow knows more, of which some are programs: of an EPS file it would have Ghostscript run.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "TGA", "AVIF")


class UnreadableImage(ValueError):
    """An image file that is missing, cannot be decoded, or is of another size than its annotations are for.

    A type of its own, which is raised anew where a loader process raised it, with the traceback as its message: what
    was said, which names the file, is the last part, and all that is kept.
    """

    def __init__(self, message: str):
        super().__init__(message.rpartition(f"{type(self).__name__}: ")[2].strip())


def open_image(path: Path) -> Image.Image:
    """An image file, its header read; a context manager. Raises what is in `UNREADABLE`, also for other formats."""
    Image.init()
    return Image.open(path, formats=[each for each in FORMATS if each in Image.OPEN])  # not each Pillow knows AVIF


def read_image(path: Path) -> "Tensor":
    """(3, height, width) uint8 RGB, as `read_pixels`."""
    import torch  # who only looks at images does without

    return torch.from_numpy(read_pixels(path)).permute(2, 0, 1)


def read_pixels(path: Path) -> np.ndarray:
    """(height, width, 3) uint8 RGB of an image file, turned as its EXIF orientation says; of an animation, the first.

    Raises:
        UnreadableImage: The file is missing, truncated or no image.
    """
    try:
        with open_image(path) as image:
            ImageOps.exif_transpose(image, in_place=True)
            return _rgb(image)
    except FileNotFoundError as error:
        raise UnreadableImage(f"{path}: the image file does not exist") from error
    except UNREADABLE as error:
        raise UnreadableImage(
            f"{path}: the image cannot be decoded ({_reason(error)}); replace or remove it"
        ) from error


def pixels_of(image: Image.Image) -> np.ndarray:
    """(height, width, 3) uint8 RGB of an opened image, which stays as it is; turned as `read_pixels`. ValueError."""
    try:
        return _rgb(ImageOps.exif_transpose(image))
    except UNREADABLE as error:
        raise ValueError(f"the image cannot be decoded ({_reason(error)})") from error


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image file as `read_image` gives it; reads the header alone. Raises ValueError."""
    try:
        with open_image(path) as image:
            width, height = image.size
            # Pillow gives the size of a TIFF as it is after turning.
            turned = image.format != "TIFF" and image.getexif().get(ORIENTATION) in SWAPS_SIDES
    except UNREADABLE as error:
        raise ValueError(f"{path}: not an image that can be read ({_reason(error)})") from error
    return (width, height) if turned else (height, width)


def existing_files(folder: Path) -> set[str]:
    """Names of the files that lie in `folder`: one listing costs less than asking for each of a million files."""
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries}


def plain_files(folder: Path) -> set[str]:
    """As `existing_files`, of the files that are no links."""
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if not entry.is_symlink()}


def _rgb(image: Image.Image) -> np.ndarray:
    """(height, width, 3) uint8. Raises ValueError for numbers of which nobody says what white is."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):  # Pillow would cut at 255
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are 32-bit numbers, and nothing says which is white: save it with 8 or 16 bits")
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _reason(error: BaseException) -> str:
    return str(error).split(" '")[0] or type(error).__name__
