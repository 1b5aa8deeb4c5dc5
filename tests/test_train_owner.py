"""Who owns a run: a training without a supervisor itself, one with it once it is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_training import Training, events, run_of, same_weights, train, write_spec

from specdet.runner.checkpoint import list_checkpoints
from specdet.runs import control
from specdet.runs.end import read_end
from specdet.runs.identity import ATTEMPT, RUN_DIRECTORY, RUN_ID
from specdet.runs.lock import holder_of, is_owned
from specdet.runs.state import RunState, read_process, read_state, write_state
from specdet.training_run import TrainingRun

# What of a supervisor matters here: it holds run.lock.
SUPERVISOR = (
    "import sys; from pathlib import Path; from specdet.runs.lock import RunLock; "
    "lock = RunLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    return write_spec(tmp_path)


@pytest.fixture
def run(tmp_path) -> Path:
    """A run directory as `specdet launch` leaves it to the supervisor."""
    path = tmp_path / "runs" / "20260101-000000-small-0000"
    path.mkdir(parents=True)
    (path / "meta.json").write_text('{"v": 1}')
    write_state(path, RunState(state="running", attempt=3))
    return path


@pytest.fixture
def supervisor(run):
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def supervised(run: Path) -> dict[str, str]:
    return {RUN_ID: run.name, RUN_DIRECTORY: str(run), ATTEMPT: "3", "SPECDET_DEVICES_HELD": "cpu"}


@pytest.mark.parametrize("processes", [1, 2])
def test_ranks_that_lose_their_supervisor_save_and_stop(arguments, run, supervisor, tmp_path, processes):
    arguments.append(f"data.images_per_device={4 // processes}")
    training = Training(tmp_path, *arguments, processes=processes, slow="step 0.5", **supervised(run))
    training.reaches("train", 2)
    assert not (run / "proc.json").exists()  # the supervisor's
    in_use = tmp_path / "cache/specdet/devices/cpu.use"
    assert holder_of(in_use) is not None
    supervisor.kill()
    killed = time.monotonic()
    stopping = []

    def stops() -> bool:  # which may last for a moment alone, where a step was just over
        if is_owned(run) and read_state(run).state == "stopping":
            stopping.append(read_process(run))
        return bool(stopping) or training.process.poll() is not None

    training.until(stops, within=5)
    assert all(each is None or (each.by == "training" and each.devices == ("cpu",)) for each in stopping)
    code = training.process.wait(20)
    assert time.monotonic() - killed < 20
    assert processes == 2 or code == 77
    state, end = read_state(run), read_end(run, attempt=3)
    assert (state.state, state.reason, state.exit_code, state.attempt) == ("stopped", "orphaned", 77, 3)
    assert (end.outcome, end.reason) == ("stopped", "orphaned")
    assert end.checkpoint == f"checkpoints/{list_checkpoints(run / 'checkpoints')[-1].name}"
    assert not is_owned(run) and holder_of(in_use) is None
    assert {event["attempt"] for event in events(run, "phase")} == {3}


def test_the_main_rank_ends_the_run_of_a_lost_supervisor_also_where_another_rank_noticed_first(run, monkeypatch):
    for name, value in {**supervised(run), "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    training = TrainingRun()
    training.runner = SimpleNamespace(stop_reason="orphaned", exit_code=77, iter=5)
    with training.told():  # at once, before its own second look at the lock
        assert not training.asks.names
    state, process = read_state(run), read_process(run)
    assert (state.state, state.reason, state.exit_code) == ("stopped", "orphaned", 77)
    assert process.by == "training" and not is_owned(run)


def test_a_training_that_loses_its_supervisor_while_it_prepares_ends(arguments, run, supervisor, tmp_path):
    training = Training(tmp_path, *arguments, "data.val.count=1000000", **supervised(run))
    training.until(lambda: holder_of(tmp_path / "cache/specdet/devices/cpu.use") is not None)
    supervisor.kill()
    assert training.ends() == 77
    assert (read_state(run).state, read_end(run, attempt=3).reason) == ("stopped", "orphaned")


def test_a_supervised_training_leaves_state_and_owner_to_the_supervisor(arguments, run, supervisor, tmp_path):
    training = Training(tmp_path, *arguments, slow="step 0.5", **supervised(run))
    training.reaches("train", 1)
    assert training.answer("stop") == "done"
    assert training.ends() == 76
    assert read_state(run).state == "running"
    assert read_end(run, attempt=3).outcome == "stopped"
    assert holder_of(run / "run.lock") == supervisor.pid
    assert run_of(tmp_path) == run


def test_trainings_side_by_side_say_that_they_share_the_device(arguments, tmp_path):
    first = Training(tmp_path, *arguments, slow="step 1")
    first.reaches("train", 1)
    cache = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    beside = tmp_path / "beside"
    beside.mkdir()
    second = Training(beside, *arguments, "train.max_epochs=1", XDG_CACHE_HOME=cache["XDG_CACHE_HOME"])
    assert second.ends(within=60) == 0
    assert "cpu is in use by another run" in second.said
    first.process.send_signal(signal.SIGTERM)
    assert first.ends() == 75
    assert "in use by another" not in first.said


def test_commands_of_an_earlier_attempt_are_not_for_the_next_one(arguments, tmp_path):
    training = Training(tmp_path, *arguments, slow="step 1")
    training.reaches("train", 1)
    training.process.send_signal(signal.SIGINT)
    assert training.ends() == 130
    run = training.run
    late = control.ask(run, "stop")
    done = train(tmp_path, *arguments, f"train.resume_from={run}")
    assert done.returncode == 0, done.stderr
    assert "an attempt that had ended" in str(control.outcome_of(run, late))
    assert read_state(run).state == "finished"
    assert same_weights([run, run], "iter_00000012")
