"""Videos, frame by frame, as far as PyAV is installed."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from specdet.spec import SpecError

if TYPE_CHECKING:
    from PIL import Image

CODECS = ("libx264", "mpeg4")  # the first that PyAV has been built with
RATE = Fraction(25)  # frames a second, where a video does not tell


def need_decoder(path: Path) -> Any:
    """PyAV. Raises SpecError where it is not installed."""
    try:
        import av
    except ImportError as error:
        message = (
            f"{path} is a video, and PyAV, which reads them, is not installed: pip install 'specdet[video]', or give "
            "its frames as images"
        )
        raise SpecError.one(message, kind="environment") from error
    return av


class VideoReader:
    """The frames of a video.

    Args:
        path: The file.

    Attributes:
        rate: Frames a second.
        count: Frames in all; 0 where the file does not tell.

    Raises:
        ValueError: For a file that is no video, by its name.
        SpecError: Where PyAV is not installed.
    """

    def __init__(self, path: Path):
        self._av = need_decoder(path)
        self.path = path
        try:
            self._container = self._av.open(str(path))
            self._stream = self._container.streams.video[0]
        except (self._av.FFmpegError, IndexError) as error:
            raise ValueError(f"{path}: not a video that can be read ({_reason(error)})") from error
        self._stream.thread_type = "AUTO"
        self.rate = Fraction(self._stream.average_rate or RATE)
        self.count = int(self._stream.frames or 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        """(height, width, 3) uint8 RGB each, as they are seen. Raises ValueError where the file breaks off."""
        try:
            for frame in self._container.decode(self._stream):
                turns = round((frame.rotation or 0) / 90) if hasattr(frame, "rotation") else 0
                yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
        except self._av.FFmpegError as error:
            raise ValueError(f"{self.path}: the video breaks off ({_reason(error)})") from error
        finally:
            self._container.close()


class VideoWriter:
    """A new video, of pictures of one size, which is whole once it is closed.

    Args:
        path: The file, .mp4.
        rate: Frames a second.
    """

    def __init__(self, path: Path, *, rate: Fraction):
        self._av = need_decoder(path)
        self._container = self._av.open(str(path), "w")
        codec = next(each for each in CODECS if each in self._av.codecs_available)
        self._stream = self._container.add_stream(codec, rate=rate.limit_denominator(1001))
        self._size: tuple[int, int] | None = None

    def add(self, picture: "Image.Image") -> None:
        """The next frame; an odd row or column at its end, which codecs do not take, is left out."""
        if self._size is None:
            self._size = (max(2, picture.width // 2 * 2), max(2, picture.height // 2 * 2))
            self._stream.width, self._stream.height = self._size
            self._stream.pix_fmt = "yuv420p"
        fitted = picture.crop((0, 0, *self._size))
        self._write(self._av.VideoFrame.from_image(fitted))

    def close(self) -> None:
        """Write what is left."""
        if self._size is not None:
            self._write(None)
        self._container.close()

    def _write(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
