import os
import subprocess
import sys
from pathlib import Path

import pytest

from specdet.runs.devices import (
    Wish,
    choose,
    device_names,
    gpus,
    is_free,
    run_on,
    take,
    take_wished,
    use,
)

A, B, C = "GPU-aaaa", "GPU-abbb", "GPU-cccc"
SMI = f"""#!/bin/sh
echo "0, {A}, NVIDIA H200, 143771"
echo "1, {B}, NVIDIA H200, 143771"
echo "2, {C}, NVIDIA GB10, [N/A]"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    for name in ("SPECDET_DEVICES", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.defpath)


def smi(folder: Path, text: str = SMI) -> None:
    file = folder / "nvidia-smi"
    file.write_text(text)
    file.chmod(0o755)


def elsewhere(code: str) -> subprocess.Popen:
    """Another process, which says a word once it has done as told and stays until its input ends."""
    script = "import sys\nfrom pathlib import Path\nfrom specdet.runs.devices import *\n"
    script += f"{code}\nprint('done', flush=True)\nsys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    return process


def test_gpus_are_asked_of_the_driver(tmp_path):
    smi(tmp_path)
    assert [(gpu.index, gpu.uuid, gpu.memory) for gpu in gpus()] == [(0, A, 143771), (1, B, 143771), (2, C, 0)]


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 9", "#!/bin/sh\n"])
def test_a_machine_without_a_gpu_has_one_device(tmp_path, text):
    assert device_names() == ("cpu",)
    smi(tmp_path, text)
    assert device_names() == ("cpu",)


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, (A, B, C)),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, (C, A)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-ab"}, (B,)),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, (A,)),
        ({"CUDA_VISIBLE_DEVICES": ""}, ("cpu",)),
        ({"CUDA_VISIBLE_DEVICES": "MIG-1234"}, ("MIG-1234",)),
        ({"SPECDET_DEVICES": "one, two", "CUDA_VISIBLE_DEVICES": "0"}, ("one", "two")),
    ],
)
def test_what_is_hidden_from_cuda_is_not_there(tmp_path, variables, names):
    smi(tmp_path)
    assert device_names(variables) == names


def test_a_name_that_would_be_a_path_is_refused():
    with pytest.raises(ValueError, match="no name of a device"):
        device_names({"SPECDET_DEVICES": "../../etc/x"})


@pytest.mark.parametrize(
    ("text", "processes", "known", "wish", "count"),
    [
        ("auto", None, ("cpu",), Wish(names=("cpu",)), 1),
        ("auto", 3, ("cpu",), Wish(names=("cpu",)), 3),
        ("all", 2, ("cpu",), Wish(names=("cpu",)), 2),
        ("cpu", 2, (A, B), Wish(names=("cpu",)), 2),
        ("auto", None, (A, B), Wish(count=1), 1),
        ("auto", 2, (A, B), Wish(count=2), 2),
        ("all", None, (A, B), Wish(names=(A, B)), 2),
        ("1,0", None, (A, B), Wish(names=(B, A)), 2),
        (f"{B}", 1, (A, B), Wish(names=(B,)), 1),
        ("0,0", None, (A, B), Wish(names=(A,)), 1),
        ("0", 2, ("cpu",), Wish(names=("cpu",)), 2),
    ],
)
def test_devices_and_processes_go_together(text, processes, known, wish, count):
    assert choose(text, processes=processes, known=known) == (wish, count)


@pytest.mark.parametrize(
    ("text", "processes", "known", "says"),
    [
        ("auto", 3, (A, B), "3 processes need a GPU each, and this machine has 2"),
        ("all", 1, (A, B), "1 processes, 2 GPUs"),
        ("0,7", None, (A, B), f"no one device '7' here; there are: 0 \\({A}\\), 1"),
        ("GPU-a", None, (A, B), "no one device 'GPU-a'"),
        ("", None, (A, B), "no one device ''"),
        ("auto", 0, ("cpu",), "at least one process"),
    ],
)
def test_what_does_not_go_together_is_told(text, processes, known, says):
    with pytest.raises(ValueError, match=says):
        choose(text, processes=processes, known=known)


def test_a_wish_survives_json():
    for wish in (Wish(names=(A, B)), Wish(count=2)):
        assert Wish.read(wish.to_table()) == wish
    for stranger in (None, {}, {"count": 0}, {"names": []}, {"names": [1]}, {"count": "2"}):
        with pytest.raises(ValueError, match="as names or as a count"):
            Wish.read(stranger)


def test_a_device_is_held_once(tmp_path):
    other = elsewhere("held = take(['a'], run=Path('/runs/first'))")
    assert not is_free("a")
    assert run_on("a") == Path("/runs/first")
    assert take(["b", "a"], run=tmp_path) is None
    assert is_free("b")  # of two that cannot both be had, none is kept
    other.kill()
    other.communicate()
    assert run_on("a") is None
    held = take(["b", "a"], run=tmp_path)
    assert held is not None
    held.release()
    assert is_free("a")


def test_a_device_in_use_is_not_free_though_nobody_holds_it(tmp_path):
    ranks = [elsewhere("held = use(['a'])") for _ in range(2)]  # two share it
    for rank in ranks:
        assert take(["a"], run=tmp_path) is None
        rank.kill()
        rank.communicate()
    held = take(["a"], run=tmp_path)
    assert held is not None
    held.release()


def test_a_rank_shares_the_device_that_its_own_supervisor_holds():
    other = elsewhere("held = take(['a'], run=Path('/runs/first'))")
    (lock,) = use(["a"])
    assert not is_free("a")  # of the other
    lock.release()
    other.kill()
    other.communicate()


def test_any_free_devices_will_do(tmp_path):
    other = elsewhere("held = take(['a'], run=Path('/runs/first'))")
    known = ("a", "b", "c")
    assert take_wished(Wish(count=3), known=known, run=tmp_path) is None
    held = take_wished(Wish(count=2), known=known, run=tmp_path)
    assert held is not None
    assert held.names == ("b", "c")
    held.release()
    other.kill()
    other.communicate()
