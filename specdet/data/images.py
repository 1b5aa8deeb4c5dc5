"""Image files: reading pixels and sizes, and knowing which exist.

Pillow decodes: torchvision's decoders are a quarter faster, but deprecated since 0.29, and know fewer formats.
"""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

ORIENTATION = 0x0112  # the EXIF tag
SWAPS_SIDES = range(5, 9)  # its values that turn an image by a quarter
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
)  # what Pillow raises for bad files


def read_image(path: Path) -> Tensor:
    """(3, height, width) uint8 RGB of an image file, turned as its EXIF orientation says; of an animation, the first.

    Raises:
        ValueError: The file is missing, truncated or no image; the message names it.
    """
    try:
        with Image.open(path) as image:
            ImageOps.exif_transpose(image, in_place=True)
            pixels = _rgb(image)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: the image file does not exist") from error
    except UNREADABLE as error:
        raise ValueError(f"{path}: the image cannot be decoded ({_reason(error)}); replace or remove it") from error
    return torch.from_numpy(pixels).permute(2, 0, 1)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image file as `read_image` gives it; reads the header alone. Raises ValueError."""
    try:
        with Image.open(path) as image:
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


def _rgb(image: Image.Image) -> np.ndarray:
    """(height, width, 3) uint8."""
    if image.mode.startswith("I;16"):  # Pillow would cut at 255 instead of scaling
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _reason(error: BaseException) -> str:
    return str(error).split(" '")[0] or type(error).__name__
