import os
import sys
from types import ModuleType, SimpleNamespace

import psutil
import pytest

from app.launching.machine import Machine, gpu_loads, short
from specdet.runs.devices import Gpu, take
from tests.runs.test_devices import SMI, A, B, C, elsewhere, smi

GIB = 1 << 30


class FakeError(Exception):
    pass


def driver(*, broken: bool = False) -> ModuleType:
    """nvidia-ml-py in front of a driver that knows two GPUs, of which the second tells only its memory."""

    def handle(uuid):
        if uuid not in (A, B):
            raise FakeError("not found")
        return uuid

    def only_of_a(value):
        def ask(uuid, *more):
            if uuid != A:
                raise FakeError("not supported")
            return value

        return ask

    def init():
        if broken:
            raise FakeError("driver not loaded")

    module = ModuleType("pynvml")
    vars(module).update(
        NVMLError=FakeError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=init,
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetMemoryInfo=lambda uuid: SimpleNamespace(used=2 * GIB, total=8 * GIB, free=6 * GIB),
        nvmlDeviceGetUtilizationRates=only_of_a(SimpleNamespace(gpu=87, memory=12)),
        nvmlDeviceGetTemperature=only_of_a(61),
    )
    return module


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    for name in ("SPECDET_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.defpath)


def test_a_machine_without_gpu_and_driver_has_its_cpu(tmp_path):
    load = Machine().look(runs=tmp_path / "not/there/yet")
    (cpu,) = load.devices
    assert (cpu.id, cpu.number, cpu.celsius, cpu.free, load.trouble) == ("cpu", None, None, True, "")
    assert cpu.total == psutil.virtual_memory().total and 0 < cpu.used < cpu.total
    assert load.disk_free is not None and load.disk_free > 0


def test_gpus_tell_what_they_can(tmp_path, monkeypatch):
    smi(tmp_path)
    monkeypatch.setitem(sys.modules, "pynvml", driver())
    load = Machine().look(runs=tmp_path)
    a, b, c, cpu = load.devices
    assert load.names == (A, B, C) and cpu.id == "cpu" and cpu.used  # data workers take it and its memory
    assert (a.title, a.number, a.used, a.total, a.busy, a.celsius) == (
        "GPU 0: NVIDIA H200",
        0,
        2 * GIB,
        8 * GIB,
        87,
        61,
    )
    assert (b.id, b.used, b.busy, b.celsius) == (B, 2 * GIB, None, None)
    assert (c.id, c.used, c.total, c.busy) == (C, None, None, None)


@pytest.mark.parametrize("module", [None, driver(broken=True)])
def test_without_a_driver_for_python_gpus_are_still_named(tmp_path, monkeypatch, module):
    smi(tmp_path)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    assert gpu_loads({A: Gpu(index=0, uuid=A, name="x", memory=1)}) == {}
    a = Machine().look(runs=tmp_path).devices[0]
    assert (a.title, a.total, a.used) == ("GPU 0: NVIDIA H200", 143771 << 20, None)


def test_a_driver_that_hangs_is_told(tmp_path, monkeypatch):
    smi(tmp_path, "#!/bin/sh\nexec sleep 60")
    monkeypatch.setattr("specdet.runs.devices.PATIENCE", 0.2)
    load = Machine().look(runs=tmp_path)
    assert load.names == ("cpu",) and "GPU driver hangs" in load.trouble


def test_a_device_says_which_run_has_it(tmp_path):
    process = elsewhere(f"held = take(['cpu'], run=Path('/runs/20260101-120000-rpn-0001'))")  # noqa: F541
    try:
        (cpu,) = Machine().look(runs=tmp_path).devices
        assert (cpu.free, cpu.run) == (False, "20260101-120000-rpn-0001")
    finally:
        process.communicate()
    held = take(["cpu"], run=tmp_path)
    assert held is not None
    held.release()
    assert Machine().look(runs=tmp_path).devices[0].free


def test_a_training_without_supervisor_holds_a_device_without_a_name(tmp_path):
    process = elsewhere("held = use(['cpu'])")
    try:
        (cpu,) = Machine().look(runs=tmp_path).devices
        assert (cpu.free, cpu.run) == (False, "")
    finally:
        process.communicate()


def test_long_names_of_devices_are_cut_where_they_still_differ():
    assert short(["cpu", SMI[:3]]) == "cpu, #!/"
    assert short(["GPU-12345678-abcd", "GPU-12345679-abcd"]) == "GPU-12345678, GPU-12345679"
