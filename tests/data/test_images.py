import numpy as np
import pytest
import torch
from PIL import Image

from specdet.data.images import existing_files, image_size, read_image

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_lossless_formats_give_their_pixels(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PIXELS).save(path)
    assert (read_image(path).numpy() == PIXELS.transpose(2, 0, 1)).all()
    assert image_size(path) == (30, 50)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_other_colour_modes_become_rgb(tmp_path, mode):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
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


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_exif_orientation_is_applied(tmp_path, suffix, orientation):
    blocks = np.zeros((32, 64, 3), dtype=np.uint8)
    blocks[:16, :16] = 255  # the corner that shows how the image is turned
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(blocks).save(path, exif=exif)
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]  # quarter turns against the clock, from the EXIF table
    expected = np.rot90(blocks, turns)
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


def test_existing_files_are_those_of_the_folder_itself(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.jpg").touch()
    (tmp_path / "inner/b.jpg").touch()
    assert "a.jpg" in existing_files(tmp_path)
    assert "b.jpg" not in existing_files(tmp_path)
