"""Image files: reading pixels and sizes, and knowing which exist.

Pillow decodes: torchvision's decoders are a quarter faster, but deprecated since 0.29, and know fewer formats.
"""

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

if TYPE_CHECKING:
    from torch import Tensor

MOST_PIXELS = (512 << 20) // 3  # of an image: those of 512 MiB as RGB
ORIENTATION = 0x0112  # the EXIF tag
SWAPS_SIDES = range(5, 9)  # its values that turn an image by a quarter
# Chunks of a PNG, by their first bytes, which may say how it is turned; text has its name in front.
TURNING = (
    *(b"eXIf", b"tEXtRaw profile type exif\0", b"zTXtRaw profile type exif\0", b"iTXtRaw profile type exif\0"),
    *(kind + name for kind in (b"tEXt", b"zTXt", b"iTXt") for name in (b"XML:com.adobe.xmp\0", b"exif\0", b"xmp\0")),
)
JPEG_END, TAIL = b"\xff\xd9", 4096  # the marker, and in how many bytes it is looked for
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


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """An image file, its header read. Raises what is in `UNREADABLE`, also for other formats.

    Pillow warns of images above half of `MOST_PIXELS`: that is our limit, so nobody is to be warned below it.
    """
    Image.init()
    with path.open("rb") as file:
        try:
            image = _identified(file, path)
        except Image.DecompressionBombError as error:  # before its size can be asked for
            raise _too_large(path, "too large") from error
        pixels = image.width * image.height
        if pixels > MOST_PIXELS:
            raise _too_large(path, f"{image.width} x {image.height} px")
        if pixels <= MOST_PIXELS // 2:
            yield image
            return
        with _without_bomb_warnings():  # some decoders ask again
            yield image


def read_image(path: Path) -> "Tensor":
    """(3, height, width) uint8 RGB, as `read_pixels`."""
    import torch  # who only looks at images does without

    return torch.from_numpy(read_pixels(path)).permute(2, 0, 1)


def read_pixels(path: Path) -> np.ndarray:
    """(height, width, 3) uint8 RGB of an image file, turned as its EXIF orientation says; of an animation, the first.

    Raises:
        UnreadableImage: The file is missing, truncated, no image, or has more than `MOST_PIXELS`.
    """
    try:
        with open_image(path) as image:
            ImageOps.exif_transpose(image, in_place=True)
            return _rgb(image)
    except FileNotFoundError as error:
        raise UnreadableImage(f"{path}: the image file does not exist") from error
    except UnreadableImage:
        raise
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


def image_size(path: Path, *, whole: bool = False) -> tuple[int, int]:
    """Height and width of an image file as `read_image` gives it; reads the header alone.

    A PNG may say behind its pixels how it is turned. What its chunks are is read without the pixels, which are decoded
    only where one of these says so, or where the file is cut off.

    Args:
        whole: Decode also a JPEG that has no end. Together with the above this finds most files that are cut off.

    Raises:
        ValueError: Naming the file, where it is no image, is found to be cut off, or has more than `MOST_PIXELS`.
    """
    try:
        with open_image(path) as image:
            if (image.format == "PNG" and _turns_late(path)) or (whole and image.format == "JPEG" and _endless(path)):
                image.load()
            width, height = image.size
            # Pillow gives the size of a TIFF as it is after turning. PNG's own `getexif` would decode it.
            turned = image.format != "TIFF" and Image.Image.getexif(image).get(ORIENTATION) in SWAPS_SIDES
    except UnreadableImage:
        raise
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


def _identified(file: BinaryIO, path: Path) -> Image.Image:
    """The image in a file: what `Image.open` does, without its question whether the image is large."""
    start = file.read(16)
    for name in FORMATS:
        if name not in Image.OPEN:  # not each Pillow knows AVIF
            continue
        make, accepts = Image.OPEN[name]
        with suppress(SyntaxError, IndexError, TypeError, struct.error):  # it is of another format
            if accepts is None or accepts(start) is True:
                file.seek(0)
                with _without_bomb_warnings() if name == "GIF" else nullcontext():
                    return make(file, str(path))
    raise UnidentifiedImageError("cannot identify image file")


@contextmanager
def _without_bomb_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _too_large(path: Path, size: str) -> UnreadableImage:
    return UnreadableImage(f"{path}: the image is {size}, and at most {MOST_PIXELS:,} pixels are read: resize the file")


def _turns_late(path: Path) -> bool:
    """Whether a PNG may say how it is turned behind the start of its pixels; also where its chunks make no sense."""
    pixels = False
    with path.open("rb", buffering=0) as file:  # a buffer would be filled at each chunk
        at, size = 8, file.seek(0, os.SEEK_END)
        while at + 12 <= size:
            file.seek(at)
            start = file.read(40)
            kind = start[4:8]
            if kind == b"IEND":
                return False
            pixels |= kind == b"IDAT"
            if not kind.isalpha() or (pixels and start[4:].startswith(TURNING)):
                return True
            at += 12 + int.from_bytes(start[:4], "big")
    return True


def _endless(path: Path) -> bool:
    """Whether a JPEG looks cut off: its last marker is not among its last bytes."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        return JPEG_END not in file.read()


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
