"""Weights by address: downloaded once, kept with their SHA-256."""

import hashlib
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import attrs

logger = logging.getLogger("specdet")

PATIENCE = 60.0  # s without a byte
CHUNK = 1 << 20
SCHEMES = ("https", "http")  # not file:, which would read whatever it says
# As torch, mmdetection and others name what they publish: the beginning of the SHA-256 stands before the suffix.
DIGEST_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
FRAGMENT = re.compile(r"sha256=([0-9a-fA-F]{8,64})")


@attrs.frozen(kw_only=True)
class Fetched:
    """A file that has been downloaded.

    Attributes:
        path: Where it is kept.
        sha256: Of its content, hexadecimal.
    """

    path: Path
    sha256: str


def weights_folder() -> Path:
    """Where downloaded weights are kept: `$XDG_CACHE_HOME/specdet/weights`, else below `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "specdet" / "weights"


def fetch(address: str) -> Fetched:
    """The file at an address, from the cache where it has been downloaded before and is still what it was.

    Args:
        address: `https://...`; with `#sha256=HEX` the content must be that. So it must be where the name of the file
            ends with the beginning of its SHA-256, as published weights' names do.

    Raises:
        ValueError: Where it cannot be downloaded, broke off, or is not what it should be. Nothing is kept then.
    """
    url, _, fragment = address.partition("#")
    if urlsplit(url).scheme not in SCHEMES:
        raise ValueError(f"{url}: not an address that starts with https:// or http://")
    name = Path(unquote(urlsplit(url).path)).name
    expected = _expected_digest(address, fragment, name)
    plain_name = re.sub(r"[^\w.-]", "_", name)
    path = weights_folder() / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{plain_name}"
    record = path.with_name(f"{path.name}.json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            found = _kept(path, record)
            if found is None or not found.startswith(expected):
                found = _download(url, path, expected=expected)
                _replace(record, json.dumps({"v": 1, "url": url, "sha256": found}).encode())
    except OSError as error:
        raise ValueError(f"{error.filename or path}: cannot be kept ({error.strerror or error})") from error
    return Fetched(path=path, sha256=found)


def _expected_digest(address: str, fragment: str, name: str) -> str:
    if match := FRAGMENT.fullmatch(fragment):
        return match[1].lower()
    if fragment:
        raise ValueError(f"{address}: behind # only sha256= and 8 to 64 hexadecimal digits are understood")
    match = DIGEST_IN_NAME.search(name)
    return match[1] if match else ""


def _kept(path: Path, record: Path) -> str | None:
    """The SHA-256 of a file that was downloaded whole and has not changed since."""
    try:
        said: Any = json.loads(record.read_bytes())
        digest = said["sha256"]
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if actual != digest:
        logger.warning("%s is not what was downloaded: it is downloaded again", path)
        return None
    return digest


def _download(url: str, path: Path, *, expected: str) -> str:
    """Download to `path`, which is replaced at once when all is there and right; gives the SHA-256."""
    logger.info("downloading %s", url)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(2)}.tmp")
    digest = hashlib.sha256()
    count = 0
    try:
        try:
            with urlopen(url, timeout=PATIENCE) as answer, temporary.open("wb") as file:  # see SCHEMES  # nosec B310
                length = answer.headers.get("Content-Length")
                while chunk := answer.read(CHUNK):
                    digest.update(chunk)
                    count += file.write(chunk)
        except HTTPError as error:
            raise ValueError(f"{url}: the server says {error.code} {error.reason}: is the address right?") from error
        except (URLError, TimeoutError, ConnectionError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ValueError(
                f"{url}: cannot be downloaded ({reason}); fetch it elsewhere and say the path of the file"
            ) from error
        if length is not None and count != int(length):
            raise ValueError(f"{url}: the download broke off after {count} of {length} bytes; try again")
        if not digest.hexdigest().startswith(expected):
            raise ValueError(
                f"{url}: its SHA-256 is {digest.hexdigest()}, and should begin with {expected}: "
                "it is another file than was meant, or was damaged on its way"
            )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return digest.hexdigest()


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(2)}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While no other process downloads the same: the ranks of a training all ask at once."""
    try:
        import fcntl
    except ImportError:  # Windows; two downloads then do no harm but to the network
        yield
        return
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
