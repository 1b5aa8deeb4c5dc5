import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from app.browsing.pictures import LONGEST_SIDE, Picture, picture_of_file, picture_of_pixels


def shown(picture: Picture) -> Image.Image:
    assert picture.problem == ""
    return Image.open(io.BytesIO(picture.jpeg))


@pytest.fixture
def folder(roots):
    return roots.workspace


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "1", "LA"])
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp", "webp"])
def test_images_of_every_kind_are_shown_as_jpeg(folder, roots, mode, ending):
    path = folder / f"a.{ending}"
    try:
        Image.new("RGB", (60, 40), "red").convert(mode).save(path)
    except (OSError, ValueError):
        pytest.skip(f"{ending} has no {mode}")
    picture = picture_of_file(path, roots=roots)
    assert (picture.width, picture.height) == (60, 40)
    assert (shown(picture).format, shown(picture).mode, shown(picture).size) == ("JPEG", "RGB", (60, 40))


def test_sixteen_bits_are_scaled_and_not_cut(folder, roots):
    Image.fromarray(np.full((40, 60), 32768, dtype=np.uint16)).save(folder / "deep.png")
    pixel = shown(picture_of_file(folder / "deep.png", roots=roots)).getpixel((5, 5))
    assert pixel == pytest.approx((128, 128, 128), abs=2)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_an_image_is_turned_as_it_is_seen(folder, roots, ending):
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 60, 20))  # above; after a quarter turn to the right
    tags = image.getexif()
    tags[0x0112] = 6
    image.save(folder / f"a.{ending}", exif=tags)
    picture = picture_of_file(folder / f"a.{ending}", roots=roots)
    assert (picture.width, picture.height) == (40, 60)
    red, _, blue = shown(picture).getpixel((35, 30))
    assert shown(picture).size == (40, 60) and red > 200 > blue


def test_a_large_image_is_sent_small_and_keeps_its_size_in_words(folder, roots):
    Image.new("RGB", (5000, 1000)).save(folder / "large.jpg")
    picture = picture_of_file(folder / "large.jpg", roots=roots)
    assert (picture.width, picture.height) == (5000, 1000)
    assert max(shown(picture).size) == LONGEST_SIDE
    wide = picture_of_pixels(np.zeros((30, 3000, 3), np.uint8))
    assert (wide.width, wide.height, max(shown(wide).size)) == (3000, 30, LONGEST_SIDE)


def test_what_cannot_be_decoded_is_a_sentence(folder, roots):
    Image.effect_noise((200, 200), 50).save(folder / "whole.png")
    whole = (folder / "whole.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no image")
    (folder / "empty.jpg").touch()
    for name in ("cut.png", "text.jpg", "empty.jpg"):
        picture = picture_of_file(folder / name, roots=roots)
        assert (picture.jpeg, picture.width) == (b"", 0)
        assert picture.problem.startswith("cannot be decoded (")
        assert picture.problem.endswith("): replace or remove it")
    assert picture_of_file(folder / "gone.jpg", roots=roots).problem == "the file does not exist"
    assert picture_of_file(folder, roots=roots).problem == "this is no file"


def test_a_pipe_is_not_waited_for(folder, roots):
    os.mkfifo(folder / "pipe.jpg")
    assert picture_of_file(folder / "pipe.jpg", roots=roots).problem == "this is no file"


def test_a_bomb_is_not_decoded(folder, roots):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10**5)))
    (folder / "bomb.png").write_bytes(bomb + chunk(b"IEND", b""))
    assert picture_of_file(folder / "bomb.png", roots=roots).problem != ""
    middle = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)  # above Pillow's limit, where it only warns
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", middle) + chunk(b"IEND", b""))
    assert "100,000,000 pixels" in picture_of_file(folder / "bomb.png", roots=roots).problem


def test_a_link_to_outside_is_not_followed(folder, roots, tmp_path):
    Image.new("RGB", (60, 40)).save(tmp_path / "secret.png")
    (folder / "a.png").symlink_to(tmp_path / "secret.png")
    for path in (folder / "a.png", folder / "../secret.png", tmp_path / "secret.png"):
        problem = picture_of_file(path, roots=roots).problem
        assert "outside of the folders that this app may read" in problem
        assert "SPECDET_APP_ROOTS" in problem
