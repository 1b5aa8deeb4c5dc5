"""Image files, changed: a sentence that names the file, or uint8 pixels of the size that its header says."""

import struct
import zlib
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, features

from specdet.data.images import UnreadableImage, image_size, read_pixels
from tests.fuzzing.changes import changed_bytes

SIDES = (37, 23)


def seeds(folder: Path) -> list[Path]:
    """Small files of all formats that are read, in their variants."""
    pixels = np.random.default_rng(0).integers(0, 256, (*SIDES[::-1], 3), dtype=np.uint8)
    pixels[5:15, 5:25] = (200, 30, 90)
    image = Image.fromarray(pixels)
    turned = Image.Exif()
    turned[0x0112] = 6
    turned[0x010F] = "maker"
    deep = Image.fromarray((np.arange(SIDES[0] * SIDES[1], dtype=np.uint16) * 70).reshape(SIDES[::-1]))
    frames = {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}
    variants = {
        "plain.jpg": (image, {}), "progressive.jpg": (image, {"progressive": True}),
        "grey.jpg": (image.convert("L"), {}), "cmyk.jpg": (image.convert("CMYK"), {}),
        "exif.jpg": (image, {"exif": turned}), "plain.png": (image, {}),
        "palette.png": (image.convert("P"), {"transparency": 3}), "alpha.png": (image.convert("RGBA"), {}),
        "deep.png": (deep, {}), "exif.png": (image, {"exif": turned}), "bits.png": (image.convert("1"), {}),
        "lossy.webp": (image, {}), "lossless.webp": (image, {"lossless": True, "exif": turned}),
        "plain.tif": (image, {}),
        "lzw.tif": (image, {"compression": "tiff_lzw"}), "deflate.tif": (image, {"compression": "tiff_deflate"}),
        "jpeg.tif": (image, {"compression": "jpeg"}), "exif.tif": (image, {"exif": turned}), "deep.tif": (deep, {}),
        "pages.tif": (image, frames), "plain.bmp": (image, {}), "palette.bmp": (image.convert("P"), {}),
        "plain.gif": (image, {}), "animated.gif": (image, frames), "plain.ppm": (image, {}), "plain.tga": (image, {}),
    }  # fmt: skip
    if features.check("jpg_2000"):
        variants["plain.jp2"] = (image, {})
    if features.check("avif"):
        variants["plain.avif"] = (image, {})
    for name, (made, options) in variants.items():
        made.save(folder / name, **options)
    # What may stand behind the pixels: how the image is turned, and other words.
    kinds = dict(chunks((folder / "exif.png").read_bytes()))
    words = (b"tEXt", b"date:create\0" + b"2024")
    orders = {
        "late.png": (b"IHDR", b"IDAT", b"eXIf", b"IEND"),
        "both.png": (b"IHDR", b"eXIf", b"IDAT", b"eXIf", b"IEND"),
    }
    for name, order in orders.items():
        (folder / name).write_bytes(png([(kind, kinds[kind]) for kind in order]))
    (folder / "words.png").write_bytes(png([*list(kinds.items())[:-1], words, (b"IEND", b"")]))
    return [folder / name for name in (*variants, *orders, "words.png")]


class Images:
    """All formats, with changes that checksums would find with the checksums put right, too."""

    def __init__(self, folder: Path):
        self.files = {path: path.read_bytes() for path in seeds(folder)}
        self.changed = folder / "changed"
        self.changed.mkdir()

    def attempt(self, rng: Random) -> str:
        seed = rng.choice([*self.files])
        content = self.files[seed]
        content = (
            changed_png(content, rng) if seed.suffix == ".png" and rng.random() < 0.7 else changed_bytes(content, rng)
        )
        path = self.changed / seed.name
        path.write_bytes(content)
        size = None
        try:
            size = image_size(path, whole=rng.random() < 0.5)
        except ValueError as error:
            assert_told(error, path)
        try:
            pixels = read_pixels(path)
        except UnreadableImage as error:
            assert_told(error, path)
            return "told"
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
        assert pixels.shape[:2] == size, f"{pixels.shape} and not {size}"
        return "read"


def assert_told(error: ValueError, path: Path) -> None:
    assert type(error) in (ValueError, UnreadableImage), repr(error)
    assert str(path) in str(error) and len(str(error)) < 2000, f"names no file: {error}"


def changed_png(content: bytes, rng: Random) -> bytes:
    """A PNG of which one chunk was changed, with its checksum right."""
    found = [[*chunk] for chunk in chunks(content)]
    chosen = rng.choice(found)
    chosen[1] = changed_bytes(chosen[1], rng) if chosen[1] else rng.randbytes(5)
    if rng.random() < 0.1:
        chosen[0] = rng.choice([chunk[0] for chunk in found] + [b"acTL", b"iCCP", b"zTXt", b"eXIf", b"tRNS"])
    if rng.random() < 0.1:
        rng.shuffle(found)
    return png([(kind, body) for kind, body in found])


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The kinds and bodies of a PNG's chunks."""
    found, at = [], 8
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def png(made: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks, with their checksums."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in made
    )
