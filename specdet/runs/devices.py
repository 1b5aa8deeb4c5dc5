"""Which devices a run trains on, and locks that keep two runs off one device.

A device is free when nobody holds `<name>.lock`, as supervisors do, nor `<name>.use`, which each process that trains
on it shares: of a run whose supervisor was killed, these are still saving.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from specdet.runs.files import read_json, write_json
from specdet.runs.lock import FileLock, holder_of

CPU = "cpu"
LIST, HELD = "SPECDET_DEVICES", "SPECDET_DEVICES_HELD"  # names, with commas: all there are; those of this run
VISIBLE = "CUDA_VISIBLE_DEVICES"
PATIENCE = 30.0  # s; a driver that is asked first after a start of the machine takes its time


@attrs.frozen(kw_only=True)
class Gpu:
    """A GPU of this machine, as nvidia-smi tells it; `memory` is in MiB."""

    index: int
    uuid: str
    name: str
    memory: int


@attrs.frozen(kw_only=True)
class Wish:
    """What a run wants: these very devices, or so many of any.

    Attributes:
        names: Of devices; empty where any will do.
        count: How many of any; 0 where names are given.
    """

    names: tuple[str, ...] = ()
    count: int = 0

    @classmethod
    def read(cls, table: Any) -> "Wish":
        """What `to_table` gave. Raises ValueError for anything else."""
        match table:
            case {"names": [*names]} if names and all(isinstance(name, str) for name in names):
                return cls(names=tuple(names))
            case {"count": int(count)} if count > 0:
                return cls(count=count)
        raise ValueError(f"devices are wanted as names or as a count, got {table!r}")

    def to_table(self) -> dict[str, Any]:
        """As JSON values."""
        return {"names": list(self.names)} if self.names else {"count": self.count}

    def candidates(self, known: Sequence[str]) -> tuple[str, ...]:
        """The devices that may serve; `known` are those of this machine."""
        return self.names or tuple(known)

    def conflicts(self, other: "Wish", *, known: Sequence[str]) -> bool:
        """Whether granting one may take from the other."""
        return bool({*self.candidates(known)} & {*other.candidates(known)})

    def __str__(self) -> str:
        return ", ".join(self.names) if self.names else f"any {self.count}"


def cache_folder() -> Path:
    """Where all runs of a user on a machine meet: `$XDG_CACHE_HOME/specdet`, else `~/.cache/specdet`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "specdet"


def gpus() -> list[Gpu]:
    """The NVIDIA GPUs of this machine; none without a driver. Raises ValueError where the driver does not answer."""
    query = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        return []
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"nvidia-smi does not answer within {PATIENCE:.0f} s: the GPU driver hangs") from error
    if done.returncode:  # the program without a driver or a GPU, as in containers
        return []
    rows = ([cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip())
    return [
        Gpu(index=int(row[0]), uuid=row[1], name=row[2], memory=int(row[3]) if row[3].isdigit() else 0) for row in rows
    ]


def device_names(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The devices that runs may have here: UUIDs of the GPUs that CUDA_VISIBLE_DEVICES leaves, else ("cpu",)."""
    environment = os.environ if environment is None else environment
    if given := environment.get(LIST):
        return tuple(_checked(name.strip()) for name in given.split(",") if name.strip()) or (CPU,)
    found = gpus()
    visible = environment.get(VISIBLE)
    if visible is None:
        return tuple(gpu.uuid for gpu in found) or (CPU,)
    return tuple(_visible(visible, found)) or (CPU,)


def choose(text: str, *, processes: int | None, known: Sequence[str]) -> tuple[Wish, int]:
    """What `--devices` and `--processes` mean on a machine with these devices: the wish, and how many processes.

    Raises:
        ValueError: For devices that are not there, or a number of processes that does not go with them.
    """
    if processes is not None and processes < 1:
        raise ValueError(f"a run needs at least one process, got {processes}")
    has_gpus = CPU not in known
    if text == CPU or (not has_gpus and text in ("auto", "all")):
        return Wish(names=(CPU,)), processes or 1
    if text == "auto":
        count = processes or 1
        if count > len(known):
            raise ValueError(f"{count} processes need a GPU each, and this machine has {len(known)}")
        return Wish(count=count), count
    names = tuple(known) if text == "all" else tuple(dict.fromkeys(_named(each, known) for each in text.split(",")))
    if CPU in names:
        if len(names) > 1:
            raise ValueError(f"a run trains on GPUs or on the CPU, not on both: {text}")
        return Wish(names=names), processes or 1
    if processes not in (None, len(names)):
        raise ValueError(f"each process trains on a GPU of its own: {processes} processes, {len(names)} GPUs")
    return Wish(names=names), len(names)


class HeldDevices:
    """Devices that this process keeps from others until `release` or its end.

    Attributes:
        names: Of the devices.
    """

    def __init__(self, names: Sequence[str], locks: Sequence[FileLock]):
        self.names = tuple(names)
        self._locks = list(locks)

    def release(self) -> None:
        """Let others have them."""
        for name in self.names:
            _path(name, "json").unlink(missing_ok=True)
        for lock in self._locks:
            lock.release()
        self._locks.clear()


def take(names: Sequence[str], *, run: Path) -> HeldDevices | None:
    """All of these devices for a run, or None, and then nothing is held. Raises OSError without a place for locks."""
    _folder().mkdir(parents=True, exist_ok=True)
    locks: list[FileLock] = []
    for name in sorted(names):  # in one order, so that of two who want two devices one gets both
        try:
            locks.append(FileLock(_path(name, "lock")))
        except BlockingIOError:
            break
        if holder_of(_path(name, "use")) is not None:
            break
    else:
        for name in names:
            write_json(_path(name, "json"), {"run": str(run)}, durable=False)
        return HeldDevices(names, locks)
    for lock in locks:
        lock.release()
    return None


def take_wished(wish: Wish, *, known: Sequence[str], run: Path) -> HeldDevices | None:
    """What a run wished for, or None where that is not free."""
    if wish.names:
        return take(wish.names, run=run)
    free = [name for name in known if is_free(name)]
    return take(free[: wish.count], run=run) if len(free) >= wish.count else None


def use(names: Sequence[str]) -> list[FileLock]:
    """Share in the use of devices until the locks are released or this process ends: each process that trains does."""
    _folder().mkdir(parents=True, exist_ok=True)
    return [FileLock(_path(name, "use"), shared=True) for name in names]


def is_free(name: str) -> bool:
    """Whether no other process has a device. Not to be asked of a device that this process holds: that would end it."""
    return holder_of(_path(name, "lock")) is None and holder_of(_path(name, "use")) is None


def run_on(name: str) -> Path | None:
    """The run that has a device, where it is not free and that is known."""
    if is_free(name):
        return None
    try:
        return Path(read_json(_path(name, "json"))["run"])
    except (OSError, ValueError, KeyError, TypeError):  # freed meanwhile, or held by a training without supervisor
        return None


def _folder() -> Path:
    return cache_folder() / "devices"


def _path(name: str, kind: str) -> Path:
    return _folder() / f"{name}.{kind}"


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]*", name):
        raise ValueError(f"{LIST}: '{name}' is no name of a device: letters, digits and -_.: only")
    return name


def _visible(text: str, found: Sequence[Gpu]) -> list[str]:
    """What CUDA would see: numbers or beginnings of UUIDs, up to the first that is neither."""
    names: list[str] = []
    for each in (part.strip() for part in text.split(",")):
        if each.startswith("MIG-"):  # a part of a GPU; nvidia-smi lists whole ones
            names.append(_checked(each))
            continue
        fits = [gpu.uuid for gpu in found if each == str(gpu.index) or (each and gpu.uuid.startswith(each))]
        if not fits:
            break
        names.append(fits[0])
    return names


def _named(text: str, known: Sequence[str]) -> str:
    """A device by its number among the known ones, its name, or the beginning of that."""
    text = text.strip()
    if text.isdigit() and int(text) < len(known):
        return known[int(text)]
    fits = [name for name in known if text and name.startswith(text)]
    if len(fits) == 1:
        return fits[0]
    here = ", ".join(f"{number} ({name})" for number, name in enumerate(known))
    raise ValueError(f"there is no one device '{text}' here; there are: {here}")
