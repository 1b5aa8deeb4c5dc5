import os
import subprocess
import sys

import pytest
import torch

from specdet.runner.accelerator import make_accelerator, precision_of
from specdet.runner.precision import resolve_precision


@pytest.mark.parametrize(("precision", "ours"), [("fp32", "fp32"), ("bf16", "bf16"), ("auto", "fp32")])
def test_precision_is_that_of_the_spec(precision, ours):
    assert precision_of(make_accelerator(precision)) == ours


def test_fp16_on_a_cpu_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match='"fp16", which a CPU cannot train in: write "bf16" or "fp32"'):
        make_accelerator("fp16")


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, "bf16"), (False, "fp16")])
def test_auto_takes_what_the_gpu_has(monkeypatch, has_bf16, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    assert resolve_precision("auto", device="cuda") == expected
    assert resolve_precision("auto", device="cpu") == resolve_precision("auto", device="mps") == "fp32"
    assert resolve_precision("fp16", device="cuda") == "fp16"


def test_the_environment_overrides_nothing(monkeypatch):
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "7")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "INDUCTOR")
    accelerator = make_accelerator("fp32", 2)
    assert accelerator.gradient_accumulation_steps == 2
    assert accelerator.mixed_precision == "no"
    assert accelerator.state.dynamo_plugin.backend == "NO"
    assert accelerator.gradient_state.sync_with_dataloader is False


@pytest.mark.parametrize("variable", ["ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED"])
def test_sharding_from_the_environment_is_refused(monkeypatch, variable):
    monkeypatch.setenv(variable, "true")
    with pytest.raises(ValueError, match=f"{variable} is set.*unset it"):
        make_accelerator()


def test_threads_are_shared_between_the_processes_of_a_machine():
    # In a process of its own: OpenMP keeps what it was told.
    code = "import os; from specdet.runs.provenance import cores; import torch; "
    code += "from specdet.runner.threads import set_threads; "
    code += "assert set_threads(3) == torch.get_num_threads() == 3; n = set_threads(); "
    code += "assert n == torch.get_num_threads() == max(1, cores() // 2), n; "
    code += "assert set_threads(local_world_size=10**6) == 1"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "LOCAL_WORLD_SIZE": "2"})
