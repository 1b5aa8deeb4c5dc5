"""Machine: how busy this machine is, and which run has which of its devices. Nothing here needs a GPU or its driver."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import psutil

from specdet.runs.devices import CPU, Gpu, device_names, gpus, is_free, run_on
from specdet.runs.provenance import cores

MIB = 1 << 20
KNOWN_FOR = 60.0  # s; drivers are slow to tell which GPUs there are, and that hardly changes


@attrs.frozen(kw_only=True)
class Device:
    """A device that runs may have; None for what is not known.

    Attributes:
        id: Its name among devices: "cpu" or a GPU's UUID.
        number: By which `--devices` names it; None for the CPU.
        title: For people.
        used, total: Memory, bytes.
        busy: How much of its time it computes, 0 to 100.
        celsius: Its temperature.
        free: Whether no run has it.
        run: The id of the run that has it, where that is known.
    """

    id: str
    number: int | None
    title: str
    used: int | None = None
    total: int | None = None
    busy: float | None = None
    celsius: int | None = None
    free: bool = True
    run: str = ""


@attrs.frozen(kw_only=True)
class Load:
    """How busy a machine is at one moment.

    Attributes:
        devices: Those that runs take, and the CPU.
        names: Those that runs take, as `specdet.runs.devices` calls them.
        cores: That a process here may use.
        disk_free: In the folder of runs, bytes; None where that cannot be told.
        trouble: Why the GPUs are not known, as a sentence.
    """

    devices: tuple[Device, ...]
    names: tuple[str, ...]
    cores: int
    disk_free: int | None
    trouble: str = ""


class Machine:
    """This machine, looked at now and then: shares of time are of the time since the last look."""

    def __init__(self) -> None:
        self._cpu = psutil.cpu_times()
        self._cpu_busy: float | None = None
        self._known: tuple[float, tuple[str, ...], dict[str, Gpu], str] | None = None

    def look(self, *, runs: Path) -> Load:
        """How busy it is. `runs`: the folder of all runs, for the room on its disk."""
        names, known, trouble = self._names()
        loads = gpu_loads(known)
        self._measure_cpu()
        devices = [
            self._cpu_device() if name == CPU else _gpu_device(name, number, known.get(name), loads.get(name, {}))
            for number, name in enumerate(dict.fromkeys((*names, CPU)))
        ]
        return Load(devices=tuple(devices), names=names, cores=cores(), disk_free=_free_on(runs), trouble=trouble)

    def _names(self) -> tuple[tuple[str, ...], dict[str, Gpu], str]:
        if self._known is None or time.monotonic() - self._known[0] > KNOWN_FOR:
            try:
                self._known = (time.monotonic(), device_names(), {gpu.uuid: gpu for gpu in gpus()}, "")
            except ValueError as error:  # the driver hangs, or a variable is wrong
                self._known = (time.monotonic(), (CPU,), {}, str(error))
        return self._known[1:]

    def _measure_cpu(self) -> None:
        now = psutil.cpu_times()
        spent = {name: getattr(now, name) - getattr(self._cpu, name) for name in now._fields}
        spent.pop("guest", None)  # counted in user already
        spent.pop("guest_nice", None)
        whole = sum(spent.values())
        if whole > 0.5:  # s of all cores: less says little
            idle = spent["idle"] + spent.get("iowait", 0.0)
            self._cpu, self._cpu_busy = now, min(100.0, max(0.0, 100.0 * (1.0 - idle / whole)))

    def _cpu_device(self) -> Device:
        memory = psutil.virtual_memory()
        free, run = _holder(CPU)
        return Device(id=CPU, number=None, title=f"CPU, {cores()} cores", used=memory.total - memory.available,
                      total=memory.total, busy=self._cpu_busy, free=free, run=run)  # fmt: skip


def gpu_loads(known: Mapping[str, Gpu]) -> dict[str, dict[str, Any]]:
    """Memory, time and temperature of GPUs by UUID, as fields of `Device`; of those that tell."""
    if not known:
        return {}
    try:
        import pynvml
    except ImportError:  # an extra
        return {}
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, or not for us
        return {}
    found: dict[str, dict[str, Any]] = {}
    for uuid in known:
        try:
            handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        except pynvml.NVMLError:
            continue
        asked = {
            "memory": lambda handle=handle: pynvml.nvmlDeviceGetMemoryInfo(handle),
            "rates": lambda handle=handle: pynvml.nvmlDeviceGetUtilizationRates(handle),
            "celsius": lambda handle=handle: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
        }
        told: dict[str, Any] = {}
        for name, ask in asked.items():
            try:
                told[name] = ask()
            except pynvml.NVMLError:  # some GPUs tell not all of it
                continue
        memory, rates = told.get("memory"), told.get("rates")
        found[uuid] = {
            **({"used": int(memory.used), "total": int(memory.total)} if memory is not None else {}),
            **({"busy": float(rates.gpu)} if rates is not None else {}),
            **({"celsius": int(told["celsius"])} if "celsius" in told else {}),
        }
    return found


def _gpu_device(name: str, number: int, gpu: Gpu | None, load: Mapping[str, Any]) -> Device:
    free, run = _holder(name)
    title = f"GPU {number}: {gpu.name}" if gpu is not None else f"{number}: {name}"
    total = gpu.memory * MIB if gpu is not None and gpu.memory else None
    return Device(id=name, number=number, title=title, free=free, run=run, **{"total": total, **load})


def _holder(name: str) -> tuple[bool, str]:
    """Whether a device is free, and the id of the run that has it."""
    try:
        if is_free(name):
            return True, ""
        run = run_on(name)
    except OSError:  # no access to the locks
        return True, ""
    return False, run.name if run is not None else ""


def _free_on(folder: Path) -> int | None:
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), None)
    try:
        return shutil.disk_usage(there).free if there is not None else None
    except OSError:
        return None


def short(names: Sequence[str]) -> str:
    """Devices in few letters, for tables: the beginning of a UUID tells GPUs apart."""
    return ", ".join(name if len(name) <= 12 else name[:12] for name in names)
