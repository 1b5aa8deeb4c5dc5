import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, features

from specdet.data import images
from specdet.data.images import UnreadableImage, existing_files, image_size, read_image

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_lossless_formats_give_their_pixels(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PIXELS).save(path)
    assert (read_image(path).numpy() == PIXELS.transpose(2, 0, 1)).all()
    assert image_size(path) == (30, 50)


def test_no_file_that_is_a_program_is_opened(tmp_path):
    (tmp_path / "a.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 30\n%%EndComments\n0 0 moveto showpage\n"
    )
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "EPS"
    for read in (image_size, read_image):
        with pytest.raises(ValueError, match=r"a\.jpg"):
            read(tmp_path / "a.jpg")


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "PA", "CMYK", "1"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    path = tmp_path / {"CMYK": "a.jpg", "PA": "a.tif"}.get(mode, "a.png")
    Image.fromarray(PIXELS).convert(mode).save(path)
    image = read_image(path)
    assert image.shape == (3, 30, 50)
    expected = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
    assert np.abs(image.numpy().astype(int) - expected).mean() < 2


def test_sixteen_bits_become_eight(tmp_path):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(values * 257).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.dtype == torch.uint8
    assert (image == torch.from_numpy(values.astype(np.uint8))).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_of_a_colour_become_eight(tmp_path, channels):
    values = np.random.default_rng(0).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
    path = tmp_path / "a.png"
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)  # each begins with its filter, none
    write_png(path, width=7, height=5, bits=16, kind={3: 2, 4: 6}[channels], data=zlib.compress(rows))
    expected = (values[:, :, :3].astype(int) >> 8).transpose(2, 0, 1)
    assert np.abs(read_image(path).numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_numbers_without_a_white_are_not_guessed_at(tmp_path, dtype):
    Image.fromarray(np.arange(12, dtype=dtype).reshape(3, 4)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableImage, match=r"a\.tif: .*nothing says which is white"):
        read_image(tmp_path / "a.tif")


def test_the_suffix_of_a_file_does_not_matter(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(PIXELS).save(path, format="PNG")
    assert (read_image(path).numpy() == PIXELS.transpose(2, 0, 1)).all()


def test_a_header_that_promises_more_than_memory_holds_is_named_and_nothing_is_allocated(tmp_path):
    path = tmp_path / "bomb.png"
    write_png(path, width=40_000, height=40_000, bits=8, kind=2, data=zlib.compress(bytes(100)))
    said = f"{path}: the image is 40000 x 40000 px, and at most 178,956,970 pixels are read: resize the file"
    for read in (read_image, image_size):
        with pytest.raises(ValueError) as error:
            read(path)
        assert str(error.value) == said
    # In a process that may not have the 4.8 GB of its pixels, it is the same sentence, not one about memory.
    for call in ("read_pixels", "image_size"):
        assert said in in_little_memory(f"{call}(Path(sys.argv[1]))", path, more=64 << 20)


def in_little_memory(code: str, path, *, more: int) -> str:
    """What a new process says of itself that does not ask for more than `more` bytes once it has imported all."""
    script = (
        "import resource, sys; from pathlib import Path; from specdet.data.images import image_size, read_pixels; "
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize(); "
        f"resource.setrlimit(resource.RLIMIT_AS, (used + {more},) * 2); {code}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "MemoryError" not in done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif"])
def test_the_limit_is_ours_and_nobody_is_warned_below_it(tmp_path, suffix, monkeypatch):
    """As with the real numbers, of which Pillow's is half of ours."""
    monkeypatch.setattr(images, "MOST_PIXELS", 2000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    path = tmp_path / f"a.{suffix}"
    for size in ((40, 50), (20, 50)):  # of which the first would be warned of
        Image.new("RGB", size).save(path, disposal=2) if suffix == "gif" else Image.new("RGB", size).save(path)
        assert image_size(path) == read_image(path).shape[1:] == size[::-1]
    Image.new("RGB", (40, 51)).save(path)
    size = "too large" if suffix == "webp" else "40 x 51 px"  # a WebP is refused before its size can be asked for
    for read in (read_image, image_size):
        with pytest.raises(ValueError) as error:
            read(path)
        assert str(error.value) == f"{path}: the image is {size}, and at most 2,000 pixels are read: resize the file"


def test_a_large_image_is_read_without_a_word(tmp_path):
    """Where Pillow warns; 90 million pixels, in memory for those alone."""
    path = tmp_path / "large.png"
    rows = zlib.compressobj(1)
    data = b"".join(rows.compress(bytes(9001)) for _ in range(10_000)) + rows.flush()
    write_png(path, width=9000, height=10_000, bits=8, kind=0, data=data)
    assert in_little_memory("print(image_size(Path(sys.argv[1])))", path, more=64 << 20) == "(10000, 9000)\n"
    code = "print(read_pixels(Path(sys.argv[1])).shape)"
    assert in_little_memory(code, path, more=1 << 30) == "(10000, 9000, 3)\n"


def write_png(path, *, width: int, height: int, bits: int, kind: int, data: bytes, before=b"", after=b"") -> None:
    """A PNG of one block of compressed rows (https://www.w3.org/TR/png), and chunks before and after it."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + after + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def exif(orientation: int) -> bytes:
    made = Image.Exif()
    made[0x0112] = orientation
    return made.tobytes()[6:]  # without "Exif" and two zeros, which a PNG does not have


XMP = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
RAW = b"Raw profile type exif\0\nexif\n      26\n" + exif(6).hex().encode() + b"\n"


@pytest.mark.parametrize(
    ("before", "after", "turned"),
    [
        (b"", b"", False),
        (chunk(b"eXIf", exif(6)), b"", True),
        (b"", chunk(b"eXIf", exif(6)), True),
        (b"", chunk(b"eXIf", exif(3)), False),
        (chunk(b"eXIf", exif(6)), chunk(b"eXIf", exif(1)), False),
        (chunk(b"eXIf", exif(1)), chunk(b"eXIf", exif(6)), True),
        (b"", chunk(b"iTXt", XMP), True),
        (chunk(b"iTXt", XMP), b"", True),
        (b"", chunk(b"tEXt", RAW), True),
        (b"", chunk(b"tEXt", b"date:create\0" + b"2024") + chunk(b"eXIf", exif(8)), True),
        (b"", chunk(b"tEXt", b"date:create\0" + b"2024") * 50, False),
    ],
    ids=["none", "before", "behind", "by a half", "back", "again", "XMP behind", "XMP before", "raw", "text and behind",
         "text alone"],
)  # fmt: skip
def test_a_png_is_turned_as_it_says_before_or_behind_its_pixels(tmp_path, before, after, turned):
    path = tmp_path / "a.png"
    rows = zlib.compress((b"\0" + bytes(7)) * 5)
    write_png(path, width=7, height=5, bits=8, kind=0, data=rows, before=before, after=after)
    assert image_size(path) == read_image(path).shape[1:] == ((7, 5) if turned else (5, 7))


def test_the_size_of_a_png_is_known_without_its_pixels(tmp_path):
    path = tmp_path / "a.png"
    write_png(path, width=7, height=5, bits=8, kind=0, data=b"no pixels", after=chunk(b"tEXt", b"Software\0x"))
    assert image_size(path) == (5, 7)
    with pytest.raises(UnreadableImage):
        read_image(path)
    write_png(path, width=7, height=5, bits=8, kind=0, data=b"no pixels", after=chunk(b"eXIf", exif(6)))
    with pytest.raises(ValueError, match=r"a\.png: not an image that can be read"):
        image_size(path)


@pytest.mark.parametrize(("suffix", "share"), [("png", 0.5), ("png", 0.99), ("jpg", 0.5), ("jpg", 0.98)])
def test_a_file_that_is_cut_off_is_found_where_that_is_asked_for(tmp_path, suffix, share):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PIXELS).save(path)
    whole = path.read_bytes()
    assert image_size(path, whole=True) == (30, 50)
    path.write_bytes(whole + bytes(5000))  # more than there need be: it is decoded, and fine
    assert image_size(path, whole=True) == (30, 50)
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=rf"a\.{suffix}: not an image that can be read"):
        image_size(path, whole=True)
    with pytest.raises(UnreadableImage):
        read_image(path)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, suffix, orientation):
    blocks = np.zeros((32, 64, 3), dtype=np.uint8)
    blocks[:16, :16] = 255  # the corner that shows how the image is turned
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(blocks).save(path, exif=exif)
    # From the EXIF table: quarter turns against the clock, of what is mirrored first or not.
    turns, mirrored = {1: (0, 0), 2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (1, 1), 6: (3, 0), 7: (3, 1), 8: (1, 0)}[
        orientation
    ]
    expected = np.rot90(blocks[:, ::-1] if mirrored else blocks, turns)
    image = read_image(path)
    assert image_size(path) == tuple(image.shape[1:]) == expected.shape[:2]
    assert np.abs(image.numpy().transpose(1, 2, 0).astype(int) - expected).max() < 32


def test_files_that_cannot_be_decoded_are_named(tmp_path):
    whole = tmp_path / "whole.jpg"
    Image.fromarray(PIXELS).save(whole)
    contents = {
        "cut.jpg": whole.read_bytes()[:500],
        "empty.jpg": b"",
        "text.jpg": b"no image at all",
        "text.tif": b"no",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}: the image cannot be decoded \(.+\)"):
            read_image(tmp_path / name)
    with pytest.raises(ValueError, match=r"absent.jpg: the image file does not exist"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(ValueError, match=r"text.jpg: not an image"):
        image_size(tmp_path / "text.jpg")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_a_damaged_avif_is_named(tmp_path):
    """Its decoder raises another error than those of the other formats."""
    path = tmp_path / "damaged.avif"
    Image.fromarray(PIXELS).save(path)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = b"\xff" * (len(content) - start)
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"damaged.avif: the image cannot be decoded"):
        read_image(path)


def test_existing_files_are_those_of_the_folder_itself(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.jpg").touch()
    (tmp_path / "inner/b.jpg").touch()
    assert "a.jpg" in existing_files(tmp_path)
    assert "b.jpg" not in existing_files(tmp_path)
