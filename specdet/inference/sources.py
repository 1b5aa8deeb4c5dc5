"""What a person means by images: files, folders, patterns, videos."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from specdet.spec import SpecError

IMAGES = (
    *(".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png"),
    *(".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
)
VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")


@attrs.frozen(kw_only=True)
class Source:
    """One file to look at.

    Attributes:
        path: Where it lies.
        name: What it is called among the others: its path in the folder that was named, else its file name. No other
            source has the same, nor one that differs in its suffix alone.
    """

    path: Path
    name: Path

    @property
    def is_video(self) -> bool:
        """Whether it is one, by its suffix."""
        return self.path.suffix.lower() in VIDEOS


def find_sources(given: Sequence[str]) -> list[Source]:
    """All files that are meant, in the order given; those of a folder sorted.

    Args:
        given: Files of any name, which are taken for images unless they are called like a video; folders, of which the
            images and videos in them and below are taken; patterns such as `shots/**/*.jpg`.

    Raises:
        SpecError: With all that is not there, or has no image.
    """
    found: dict[Path, Path] = {}  # by the file, as it is looked at once
    wrong: list[str] = []
    for text in given:
        files = [*_files(text)]
        if not files:
            wrong.append(_why_nothing(text))
        for path, name in files:
            found.setdefault(path, name)
    if wrong:
        raise SpecError.one("; ".join(wrong))
    taken: set[str] = set()
    return [Source(path=path, name=_unique(name, taken)) for path, name in found.items()]


def _files(text: str) -> Iterator[tuple[Path, Path]]:
    """Each file with its name."""
    path = Path(text)
    if path.is_dir():
        inside = sorted(
            each for each in path.rglob("*") if each.suffix.lower() in (*IMAGES, *VIDEOS) and each.is_file()
        )
        yield from ((each, own) for each in inside if not _is_hidden(own := each.relative_to(path)))
    elif path.exists():
        yield path, Path(path.name)
    elif glob.has_magic(text):
        for match in sorted(glob.glob(text, recursive=True)):
            yield from _files(match)


def _why_nothing(text: str) -> str:
    if Path(text).is_dir():
        return f"{text} has no image in it"
    if glob.has_magic(text):
        return f"{text} fits no file"
    return f"{text} does not exist"


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _unique(name: Path, taken: set[str]) -> Path:
    """The name, with a number where another source is called so."""
    number, free = 1, name
    while str(free.with_suffix("")).lower() in taken:
        number += 1
        free = name.with_name(f"{name.stem}-{number}{name.suffix}")
    taken.add(str(free.with_suffix("")).lower())
    return free
