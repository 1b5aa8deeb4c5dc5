"""Trainings that fail say so in a sentence, and in end.json."""

import os
import resource
import shutil
import subprocess
import sys

import psutil
import pytest
from small_training import Training, environment, run_of, write_spec

from specdet.runs.end import read_end
from specdet.runs.state import read_state


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    return write_spec(tmp_path)


def run_to_the_end(tmp_path, *arguments: str, slow: str = "", limit: int | None = None) -> subprocess.CompletedProcess:
    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "specdet.train", *arguments],
        env={**environment(tmp_path), "SLOW": slow},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,  # outside of a repository, whose changes would be kept with the run
        preexec_fn=limited,
    )


@pytest.mark.parametrize(
    ("overrides", "slow", "reason", "code", "said"),
    [
        (["optimizer.lr=1e30", "schedule.warmup_iters=1"], "", "nan", 1, "not a finite number between iter"),
        (
            [],
            "memory",
            "oom",
            3,
            "Things to try: fewer images at a time (data.images_per_device is 4; `specdet probe-batch` finds how many "
            "fit); with train.accumulate = 2 a step of 2 images still takes as many as now; ",
        ),
        (["train.resume_from=."], "", "error", 3, "has no whole checkpoint to resume from"),
    ],
)
def test_how_it_failed_is_told(arguments, tmp_path, overrides, slow, reason, code, said):
    done = run_to_the_end(tmp_path, *arguments, *overrides, slow=slow)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and said in done.stderr
    run = run_of(tmp_path)
    end, state = read_end(run, attempt=1), read_state(run)
    assert (end.outcome, end.reason) == ("failed", reason) and said in end.message
    assert (state.state, state.reason, state.message, state.exit_code) == ("failed", reason, end.message, code)


def test_a_bug_keeps_its_traceback(arguments, tmp_path):
    done = run_to_the_end(tmp_path, *arguments, slow="bug")
    assert done.returncode == 1 and "Traceback" in done.stderr
    end = read_end(run_of(tmp_path), attempt=1)
    assert (end.outcome, end.reason, end.message) == ("failed", "error", "KeyError in training, after iter 0: 'bug'")


def test_what_befell_another_process_is_what_is_told(arguments, tmp_path):
    training = Training(tmp_path, *arguments, "data.images_per_device=2", processes=2, slow="memory")
    assert training.process.wait(60) != 0
    end, state = read_end(training.run, attempt=1), read_state(training.run)
    assert (end.outcome, end.reason) == (state.state, state.reason) == ("failed", "oom")
    assert "rank 1: out of memory in training, after iter 0" in training.said


def test_a_killed_process_that_loads_images_is_told(arguments, tmp_path):
    training = Training(tmp_path, *arguments, "data.workers_per_device=1", slow="step 0.5")
    training.reaches("train", 2)
    workers = psutil.Process(training.process.pid).children()
    assert workers
    for worker in workers:
        worker.kill()  # as the kernel does where memory runs out
    assert training.ends() == 3
    assert "a process that loads images ended in training, after iter " in training.said
    assert "data.workers_per_device" in training.said and "Traceback" not in training.said
    assert read_end(training.run, attempt=1).outcome == "failed"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_rank_that_hangs_is_named_and_ends_the_training(arguments, tmp_path, processes):
    arguments += [f"data.images_per_device={4 // processes}", "train.hang_timeout=8"]
    training = Training(tmp_path, *arguments, processes=processes, slow="hang 1000")
    assert training.process.wait(100) != 0
    run = training.run
    message = read_end(run, attempt=1).message
    stuck = f"rank {processes - 1} is at before_train_iter ({tmp_path}/slow.py:"
    assert message.startswith("the training has not moved for ") and stuck in message
    assert ("rank 0 waits for it, at " in message) == (processes == 2)
    assert message in training.said
    state = read_state(run)
    assert (state.state, state.reason) == ("failed", "error")
    assert (run / "checkpoints" / "iter_00000002").is_dir()


@pytest.mark.parametrize("limit", [4_500, 50_000])
def test_a_full_disk_is_told(arguments, tmp_path, limit):
    """A limit on the size of a file fails like a full disk; the larger one in the checkpoint, the other in events."""
    more = ["~hooks.checkpoint", "train.log_every.iters=1"] if limit < 10_000 else []
    done = run_to_the_end(tmp_path, *arguments, *more, limit=limit)
    assert "Traceback" not in done.stderr
    assert "the disk is full: " in done.stderr and "make room" in done.stderr
    assert done.returncode == 3
    run = run_of(tmp_path)
    assert read_end(run, attempt=1).outcome == "failed"
    assert not list(run.glob("checkpoints/.*"))  # half a checkpoint takes no room


def test_a_run_directory_that_is_moved_away_is_told(arguments, tmp_path):
    training = Training(tmp_path, *arguments, slow="step 0.5")
    training.reaches("train", 2)
    run = training.run
    shutil.move(run, tmp_path / "elsewhere")
    assert training.ends() == 3
    assert f"the run directory {run} is gone" in training.said
    assert not run.exists()  # nothing of it comes back


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_runs_folder_that_cannot_be_written_to_is_told(arguments, tmp_path):
    (tmp_path / "runs").mkdir(mode=0o500)
    done = run_to_the_end(tmp_path, *arguments)
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert f"{tmp_path / 'runs'}" in done.stderr and "Permission denied" in done.stderr
