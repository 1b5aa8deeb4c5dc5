"""Videos, with PyAV and without."""

import builtins
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specdet.inference.video import VideoReader, VideoWriter, need_decoder
from specdet.spec import SpecError


def write(path, *, frames=5, size=(64, 48)):
    writer = VideoWriter(path, rate=Fraction(10))
    for number in range(frames):
        writer.add(Image.new("RGB", size, (40 * number, 90, 90)))
    writer.close()


def test_frames_come_back_in_order(tmp_path):
    write(tmp_path / "a.mp4")
    reader = VideoReader(tmp_path / "a.mp4")
    assert (reader.rate, reader.count) == (10, 5)
    frames = [*reader]
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 5
    reds = [float(frame[..., 0].mean()) for frame in frames]
    assert reds == sorted(reds)
    assert np.allclose(reds, [0, 40, 80, 120, 160], atol=6)


def test_odd_sizes_lose_their_last_pixel(tmp_path):
    write(tmp_path / "odd.mp4", frames=2, size=(65, 33))
    assert next(iter(VideoReader(tmp_path / "odd.mp4"))).shape == (32, 64, 3)


def test_what_is_no_video_is_told(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"text.mp4: not a video that can be read"):
        VideoReader(tmp_path / "text.mp4")


def test_without_a_decoder_what_is_missing_is_said(monkeypatch):
    original = builtins.__import__

    def without(name, *arguments, **more):
        if name == "av":
            raise ImportError(name)
        return original(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SpecError, match=r"PyAV, which reads them, is not installed: pip install 'specdet\[video\]'"):
        need_decoder(Path("clip.mp4"))
