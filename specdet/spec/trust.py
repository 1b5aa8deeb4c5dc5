"""Which plugin files may run: those whose very bytes the user has trusted."""

import os
from pathlib import Path

from specdet.spec.problems import SpecError


def digest_of(code: bytes) -> str:
    """What a file is known by: SHA-256, hexadecimal."""
    import hashlib  # as json below, paid by specs that have a plugin

    return hashlib.sha256(code).hexdigest()


def trusted_list() -> Path:
    """Where the digests of trusted files are kept."""
    settings = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return Path(settings) / "specdet" / "trusted.json"


def trusted() -> dict[str, str]:
    """Digest -> the path that the file had when it was trusted. Raises SpecError where the list cannot be read."""
    import json

    path = trusted_list()
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SpecError.one(
            f"{path}, the list of trusted plugins, cannot be read ({error}): mend or remove it"
        ) from error
    if isinstance(found, dict) and all(isinstance(place, str) for place in found.values()):
        return found
    raise SpecError.one(f"{path}, the list of trusted plugins, holds something else: mend or remove it")


def trust(file: Path, code: bytes) -> str:
    """Let a plugin file run from now on, as long as it holds this code; gives its digest. Raises OSError, SpecError."""
    digest = digest_of(code)
    _write({**trusted(), digest: os.path.abspath(file)})
    return digest


def distrust(file: Path) -> list[str]:
    """Let a plugin file run no longer; gives the digests that were taken off the list. Raises OSError, SpecError."""
    known = trusted()
    digests = {digest_of(file.read_bytes())} if file.is_file() else set()
    gone = [digest for digest, place in known.items() if digest in digests or place == os.path.abspath(file)]
    if gone:
        _write({digest: place for digest, place in known.items() if digest not in gone})
    return gone


def _write(known: dict[str, str]) -> None:
    import json

    path = trusted_list()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    os.replace(new, path)
