"""The command of `accelerate launch`, as text, and as the installed Accelerate understands it."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from specdet.runs.devices import Wish
from specdet.runs.launch_command import LaunchOptions, launch_command
from specdet.runs.outcome import Remains, classify, lost_rank

CPU = Wish(names=("cpu",))
RUN = Path("/runs/20260101-000000-x-1234")
# A user's own configuration, which wants something else in every way.
HOSTILE = """
compute_environment: LOCAL_MACHINE
distributed_type: FSDP
mixed_precision: bf16
use_cpu: false
debug: true
gpu_ids: '3'
main_process_port: 1
num_machines: 4
num_processes: 7
dynamo_config: {dynamo_backend: INDUCTOR}
fsdp_config: {fsdp_sharding_strategy: FULL_SHARD}
"""


def command(*, wanted=CPU, devices=("cpu",), attempt=1, resumes=False, environment=None, **options):
    return launch_command(
        LaunchOptions(wanted=wanted, **options),
        devices=devices, directory=RUN, attempt=attempt, resumes=resumes, environment=environment or {},
    )  # fmt: skip


def value(argv: tuple[str, ...], flag: str) -> str:
    return argv[argv.index(flag) + 1]


@pytest.mark.parametrize(("processes", "flag"), [(1, "--cpu"), (2, "--multi_gpu")])
def test_on_the_cpu_as_many_start_as_asked(processes, flag):
    found = command(processes=processes)
    assert {"--cpu", "--multi_gpu"} & {*found.argv} == {flag}
    assert value(found.argv, "--num_processes") == str(processes)
    assert (found.environment["ACCELERATE_USE_CPU"], found.environment["CUDA_VISIBLE_DEVICES"]) == ("true", "")


@pytest.mark.parametrize("devices", [("GPU-a",), ("GPU-b", "GPU-a")])
def test_gpus_are_named_by_uuid(devices):
    found = command(wanted=Wish(names=devices), devices=devices, processes=len(devices))
    assert found.environment["CUDA_VISIBLE_DEVICES"] == found.environment["SPECDET_DEVICES_HELD"] == ",".join(devices)
    assert "ACCELERATE_USE_CPU" not in found.environment
    assert ("--multi_gpu" in found.argv) == (len(devices) > 1)
    assert "--cpu" not in found.argv


def test_the_spec_and_its_changes_come_last():
    found = command(resumes=True, attempt=3, overrides=("train.max_epochs=3", "~hooks.log"), plugins=("/x/mine.py",))
    end = found.argv.index("specdet.train")
    assert found.argv[end - 1 :] == (
        "-m", "specdet.train", f"{RUN}/spec.toml", f"train.resume_from={RUN}", "train.max_epochs=3", "~hooks.log",
        "--plugin", "/x/mine.py",
    )  # fmt: skip
    assert found.environment["SPECDET_ATTEMPT"] == "3"
    assert (found.environment["SPECDET_RUN_ID"], found.environment["SPECDET_RUN_DIR"]) == (RUN.name, str(RUN))


def test_what_another_launcher_has_left_in_the_environment_is_taken_out():
    kept = {"HOME": "/home/x", "NCCL_DEBUG": "INFO", "WANDB_API_KEY": "secret", "SPECDET_RUNS": "/runs"}
    left = {
        "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0",
        "MASTER_ADDR": "a", "MASTER_PORT": "1", "TORCHELASTIC_RUN_ID": "x", "ACCELERATE_USE_FSDP": "true",
        "FSDP_VERSION": "2", "OMPI_COMM_WORLD_SIZE": "2", "PMI_RANK": "1", "SPECDET_RUN_ID": "another",
    }  # fmt: skip
    found = command(environment=kept | left).environment
    assert kept.items() <= found.items()
    assert not left.items() & found.items()


def test_several_machines_meet_at_the_first():
    found = command(processes=2, machines=3, machine_rank=1, main_address="[fe80::1]:29500").argv
    flags = ("--num_processes", "--num_machines", "--machine_rank", "--main_process_ip", "--main_process_port")
    assert [value(found, flag) for flag in flags] == ["6", "3", "1", "fe80::1", "29500"]


@pytest.mark.parametrize(
    "wrong",
    [{"machines": 2}, {"machines": 2, "main_address": "host"}, {"machine_rank": 1}, {"processes": 0}, {"machines": 0}],
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError):
        LaunchOptions(wanted=CPU, **wrong)


def test_options_survive_json():
    import json

    options = LaunchOptions(
        wanted=Wish(count=2), processes=2, waits=True, plugins=("/a b.py",), overrides=("seed=1",), machines=2,
        machine_rank=1, main_address="node0:1",
    )  # fmt: skip
    assert LaunchOptions.read(json.loads(json.dumps(options.to_table()))) == options
    for stranger in (None, {}, {"wanted": {"count": 1}, "processes": "many"}):
        with pytest.raises(ValueError):
            LaunchOptions.read(stranger)


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """What the installed Accelerate makes of our commands, all started together: (exit code, output) by name."""
    folder = tmp_path_factory.mktemp("launched")
    (folder / "accelerate").mkdir()
    (folder / "accelerate/default_config.yaml").write_text(HOSTILE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    cases = {
        "one": LaunchOptions(wanted=CPU),
        "two": LaunchOptions(wanted=CPU, processes=2),
        "first": LaunchOptions(wanted=CPU, machines=2, main_address=address),
        "second": LaunchOptions(wanted=CPU, machines=2, machine_rank=1, main_address=address),
        "one dies": LaunchOptions(wanted=CPU, overrides=("die",)),
        "two die": LaunchOptions(wanted=CPU, processes=2, overrides=("die",)),
    }
    environment = {**os.environ, "HF_HOME": str(folder), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_FSDP": "true"}
    started = {}
    for name, options in cases.items():
        each = launch_command(
            options, devices=("cpu",), directory=folder, attempt=1, resumes=False, environment=environment,
            module="tests.runs.tiny_ranks",
        )  # fmt: skip
        assert each.argv[0] == sys.executable
        started[name] = subprocess.Popen(
            each.argv, env=each.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
    return {name: (*reversed((process.communicate(timeout=120)[0], process.returncode)),)
            for name, process in started.items()}  # fmt: skip


@pytest.mark.parametrize(("name", "ranks"), [("one", {"0 of 1"}), ("two", {"0 of 2", "1 of 2"})])
def test_accelerate_starts_what_was_asked_whatever_the_user_has_configured(launched, name, ranks):
    code, output = launched[name]
    assert code == 0, output
    assert set(re.findall(r"rank (\d of \d) on cpu\S* in no with", output)) == ranks


def test_two_machines_train_together(launched):
    for name, rank in (("first", 0), ("second", 1)):
        code, output = launched[name]
        assert code == 0, output
        assert f"rank {rank} of 2 on cpu" in output


@pytest.mark.parametrize("name", ["one dies", "two die"])
def test_a_signal_is_found_in_what_the_launchers_say(launched, name):
    code, output = launched[name]
    assert code == 1, output
    lines = output.splitlines()
    assert lost_rank(lines) == (name == "two die")
    state = classify(Remains(attempt=1, end=None, exit_code=code, lines=lines))
    assert (state.state, state.reason, state.signal) == ("failed", "signal", "SIGKILL")
    assert "with" in state.last_lines[-1], state.last_lines  # what the ranks said, not what the launcher did
