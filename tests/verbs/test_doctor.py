import json
import subprocess
import sys
from collections import namedtuple
from importlib.metadata import version

import attrs
import pytest

from specdet.cli import main
from specdet.runs.devices import Gpu
from specdet.verbs import doctor

Disk = namedtuple("Disk", "total used free")
SEEN = {"problems": [], "gpus": [], "torch": "2.0", "torchvision": "0.1", "accelerate": "1.0", "cuda": None,
        "distributed": ["gloo"]}  # fmt: skip


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine where all is well, without a GPU."""
    monkeypatch.setenv("SPECDET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    for name in ("ACCELERATE_USE_CPU", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "probe", lambda: SEEN)
    monkeypatch.setattr(doctor, "gpus", lambda: [])
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(10**12, 0, 10**12))


def found(name):
    return [finding for finding in doctor.findings() if finding.name == name]


def test_a_good_machine(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("this machine can train\n") and "missing" not in out


def test_torch_is_asked_in_a_process_of_its_own(monkeypatch):
    monkeypatch.undo()
    script = "import sys; from specdet.verbs.doctor import probe; found = probe(); print('torch' in sys.modules); " \
        "print(found['torch'], found['problems'])"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False", f"{version('torch')} []"] or version("torch") in done.stdout


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.abort()", "SIGABRT"),
        ("raise SystemExit(7)", "exit code 7"),
        ("raise OSError('libcudart.so: cannot open')", "libcudart.so: cannot open"),
        ("print('no json')", "exit code 0"),
        ("import time; time.sleep(60)", "took over 1 s"),
    ],
)
def test_a_broken_torch_is_told_and_not_crashed_on(monkeypatch, code, words):
    monkeypatch.undo()
    said = doctor.probe(code=code, patience=1)
    assert isinstance(said, str) and words in said


def test_what_is_missing_has_a_way_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "probe", lambda: "importing torch ends with SIGABRT")
    assert main(["doctor", "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    (torch,) = (each for each in report["findings"] if each["level"] == "missing")
    assert torch["name"] == "torch" and "pip install" in torch["advice"]


def test_a_package_that_is_missing_or_too_old(monkeypatch):
    needed = ["attrs>=999.1", "no-such-package>=1; extra == 'timm'", "cattrs>=1.0"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: needed)
    (finding,) = found("specdet")
    assert finding.level == "missing" and f"attrs>=999.1 (there is {version('attrs')})" in finding.text
    assert "cattrs" not in finding.text
    (extra,) = found("timm")
    assert (extra.level, extra.advice) == ("note", "pip install 'specdet[timm]'")


def test_a_gpu_that_torch_cannot_see_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "gpus", lambda: [Gpu(index=0, uuid="GPU-1", name="H100", memory=80000)])
    (finding,) = found("GPU")
    assert finding.level == "missing" and "H100" in finding.text and "built for the CPU" in finding.advice
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert found("GPU")[0].level == "note"


def test_gpus_that_torch_sees(monkeypatch):
    monkeypatch.setattr(doctor, "probe", lambda: {**SEEN, "gpus": [{"name": "H100", "memory": 80e9}]})
    assert [attrs.astuple(finding) for finding in found("GPU 0")] == [("GPU 0", "ok", "H100, 80.0 GB", "")]
    assert not found("GPU")


def test_a_full_disk_and_a_place_that_cannot_be_written_to(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Disk(10**12, 0, 10**8))
    assert found("runs")[0].level == "missing" and "100.0 MB free" in found("runs")[0].text
    assert found("cache")[0].level == "note"
    assert found("shared memory")[0].level == "note" and "--shm-size" in found("shared memory")[0].advice
    monkeypatch.setenv("SPECDET_RUNS", "/proc/runs")
    assert found("runs")[0].level == "missing" and "nothing can be written" in found("runs")[0].text


def test_few_open_files_are_told(monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda what: (256, 256))
    assert found("open files")[0].level == "note" and "ulimit -n" in found("open files")[0].advice


def test_a_configuration_of_accelerate_that_interferes(monkeypatch):
    from accelerate.commands.config.default import write_basic_config

    path = doctor.accelerate_config()
    write_basic_config(save_location=str(path))
    assert path.exists() and [finding.level for finding in found("accelerate config")] == ["ok"], path.read_text()
    path.write_text(path.read_text() + "fsdp_config:\n  fsdp_version: 2\nmixed_precision: fp16\n")
    (finding,) = found("accelerate config")
    assert finding.level == "note" and "fsdp_config, mixed_precision: fp16" in finding.text.replace("\n", "")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert any("ACCELERATE_USE_CPU" in finding.text for finding in found("accelerate config"))
