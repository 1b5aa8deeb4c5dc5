"""Named arrays and a JSON header in one file, which is mapped into memory rather than read.

The file is a mark, the header's length and the checksums, the header, and each array at the next multiple of 64 bytes.
Nothing in it is code: the header is JSON, the arrays are plain numbers and bytes.
"""

import json
import math
import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import numpy as np

MARK = b"specdet columns 1\n"
PREFIX = struct.Struct("<QII")  # the header's length, its checksum and that of the arrays
ALIGNMENT = 64  # bytes
PLAIN = "iufbS"  # kinds of arrays: integers, floats, truth values, bytes; never objects


class NotColumns(ValueError):
    """A file that does not hold what `write_columns` wrote into it."""


@attrs.frozen(kw_only=True, eq=False)
class Columns:
    """What a file holds; `arrays` may be written to, which changes neither the file nor what other processes see."""

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def write_columns(path: Path, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file at once, which its owner alone may read; another process sees the old one, or all of the new one.

    Raises:
        OSError: Where it cannot be written; nothing is left then.
    """
    columns = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    assert all(column.dtype.kind in PLAIN for column in columns.values())
    described = [[name, column.dtype.str, list(column.shape)] for name, column in columns.items()]
    text = json.dumps({"header": header, "columns": described}).encode()
    check, parts = 0, []
    for column in columns.values():
        content = column.reshape(-1).view(np.uint8).data if column.size else b""
        parts += [content, b"\0" * (-len(content) % ALIGNMENT)]
    for part in parts:
        check = zlib.crc32(part, check)
    start = MARK + PREFIX.pack(len(text), zlib.crc32(text), check) + text
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines([start, b"\0" * (-len(start) % ALIGNMENT), *parts])
        temporary.replace(path)
    except BaseException:  # an interrupt, too, must leave no half file
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def map_columns(path: Path) -> Columns:
    """The content of a file, every byte of which is as it was written.

    Raises:
        NotColumns: The file is damaged, of another format, a link, or not this user's alone to write.
        OSError: It is missing or cannot be read.
    """
    content, said, begin, check = _mapped(path)
    if zlib.crc32(memoryview(content)[begin:]) != check:
        raise NotColumns("its arrays are damaged")
    return _columns(content, said, begin)


def read_header(path: Path) -> dict[str, Any]:
    """The header alone, whatever has become of the arrays; raises as `map_columns`."""
    return _mapped(path)[1]["header"]


def _mapped(path: Path) -> tuple[mmap.mmap, dict[str, Any], int, int]:
    """A file's bytes, what its header says, where the arrays begin, and their checksum."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not is_own(os.fstat(descriptor)):
            raise NotColumns("another user may have written it")
        try:
            content = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
        except ValueError as error:  # of an empty file
            raise NotColumns(str(error)) from error
    finally:
        os.close(descriptor)
    place = len(MARK) + PREFIX.size
    if len(content) < place or content[: len(MARK)] != MARK:
        raise NotColumns("its beginning is not that of such a file")
    length, header_check, check = PREFIX.unpack(content[len(MARK) : place])
    text = content[place : place + length]
    if len(text) != length or zlib.crc32(text) != header_check:
        raise NotColumns("its header is damaged")
    return content, json.loads(text), _aligned(place + length), check


def is_own(status: os.stat_result) -> bool:
    """Whether this user, and nobody else, may have written a file or a folder."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _columns(content: mmap.mmap, said: dict[str, Any], place: int) -> Columns:
    arrays: dict[str, np.ndarray] = {}
    for name, kind, shape in said["columns"]:
        dtype = np.dtype(kind)
        assert dtype.kind in PLAIN, "the checksum holds, so that we wrote it"
        count = math.prod(shape)
        if place + count * dtype.itemsize > len(content):
            raise NotColumns("it is cut off")
        if count:
            arrays[name] = np.frombuffer(content, dtype=dtype, count=count, offset=place).reshape(shape)
        else:
            arrays[name] = np.empty(shape, dtype)
        place = _aligned(place + count * dtype.itemsize)
    if place != len(content):
        raise NotColumns("it has another length than its header says")
    return Columns(header=said["header"], arrays=arrays)


def _aligned(place: int) -> int:
    return -(-place // ALIGNMENT) * ALIGNMENT
