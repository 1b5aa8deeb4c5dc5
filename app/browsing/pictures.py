"""Pictures: images as small JPEG files for a page, or a sentence why there is none."""

import io
import warnings
from pathlib import Path

import attrs
import numpy as np
from PIL import Image, ImageOps

from app.security.roots import Outside, Roots
from specdet.data.images import UNREADABLE, image_size, open_image

LONGEST_SIDE = 1024  # px; enlarged, a picture fills a window
QUALITY = 85


@attrs.frozen(kw_only=True)
class Picture:
    """An image as it is shown.

    Attributes:
        jpeg: Empty where there is none.
        width, height: Of the original, px, as it is seen; 0 where that is not known.
        problem: Why there is none.
    """

    jpeg: bytes = b""
    width: int = 0
    height: int = 0
    problem: str = ""


def picture_of_file(path: Path, *, roots: Roots) -> Picture:
    """An image file, decoded no larger than it is shown; raises nothing for what lies there."""
    if problem := why_not_opened(path, roots=roots):
        return Picture(problem=problem)
    real = roots.inside(path)
    try:
        height, width = image_size(real)
        with open_image(real) as image:
            image.draft("RGB", _fitting(*image.size))  # a JPEG is decoded at a fraction of its size
            return Picture(jpeg=_jpeg(image), width=width, height=height)
    except UNREADABLE as error:
        return Picture(problem=_cannot(error))


def why_not_opened(path: Path, *, roots: Roots) -> str:
    """Why an image file is not to be decoded, by its name and its header alone; an empty string where it may be."""
    try:
        real = roots.inside(path)
        if not real.is_file():  # a pipe would be waited for
            return "this is no file" if real.exists() else "the file does not exist"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with open_image(real) as image:
                pixels = image.width * image.height
    except Outside as error:
        return f"not opened: {error}"
    except UNREADABLE as error:
        return _cannot(error)
    most = Image.MAX_IMAGE_PIXELS
    return f"not decoded: it has {pixels:,} pixels, more than {most:,}" if most and pixels > most else ""


def _cannot(error: BaseException) -> str:
    reason = str(error).rpartition(" (")[2].rstrip(")") if isinstance(error, ValueError) else str(error).split(" '")[0]
    return f"cannot be decoded ({reason or type(error).__name__}): replace or remove it"


def picture_of_pixels(pixels: np.ndarray) -> Picture:
    """Pixels, (height, width, 3) uint8."""
    height, width = pixels.shape[:2]
    return Picture(jpeg=_jpeg(Image.fromarray(pixels)), width=width, height=height)


def _jpeg(image: Image.Image) -> bytes:
    if image.mode.startswith("I"):  # 16 bits, which Pillow would cut instead of scaling
        grey = np.asarray(image).astype(np.int64) >> 8
        image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    ImageOps.exif_transpose(image).convert("RGB").save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _fitting(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONGEST_SIDE / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))
