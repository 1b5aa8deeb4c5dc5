"""Whole trainings in processes of their own, as a user starts them."""

import json
import subprocess
import sys
import time

import pytest
import torch
from small_training import SMALL, command, environment, events, kill_tree, losses, run_of, same_weights, train

from specdet.experiment import load
from specdet.spec.compose import shipped_specs
from specdet.train import Datasets, train_detector


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_a_run_directory_tells_the_whole_story(spec, tmp_path):
    done = train(tmp_path, str(spec), "seed=3")
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    assert str(run) in done.stdout.splitlines()[-1]
    assert "proposal/AR@100" in done.stdout
    assert load(run / "spec.toml") == load(spec, ["seed=3"])
    assert (run / "spec.source.toml").read_text() == SMALL
    meta = json.loads((run / "meta.json").read_text())
    assert (meta["world_size"], meta["threads"], meta["seed"], meta["name"]) == (1, 1, 3, "small")
    assert len(events(run, "metric")) == 12
    assert {checkpoint.name for checkpoint in (run / "checkpoints").glob("iter_*")} >= {
        "iter_00000012",
        "iter_00000011",
    }
    progress = json.loads((run / "progress.json").read_text())
    assert 0 <= progress["best"]["proposal/AR@100"]["value"] <= 1


def test_two_processes_train_like_one_with_twice_the_batch(spec, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, processes, images in ((one, 1, 4), (two, 2, 2)):
        done = train(
            folder,
            str(spec),
            f"data.images_per_device={images}",
            "~eval.proposal",
            "~hooks.checkpoint.keep_best",
            processes=processes,
        )
        assert done.returncode == 0, done.stderr
    assert json.loads((run_of(two) / "meta.json").read_text())["world_size"] == 2
    first, second = torch.tensor(losses(run_of(one))), torch.tensor(losses(run_of(two)))
    assert first.shape == (12, 2)
    torch.testing.assert_close(second, first, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_training_resumes_bit_for_bit(spec, tmp_path, processes):
    options = ["data.workers_per_device=2", f"data.images_per_device={4 // processes}", "train.max_epochs=3"]
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    done = train(straight, str(spec), *options, processes=processes)
    assert done.returncode == 0, done.stderr

    victim = subprocess.Popen(
        command(str(spec), *options, processes=processes),
        env=environment(killed),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(killed.glob("runs/*/checkpoints/iter_00000008")):  # in the midst of the second epoch
        assert victim.poll() is None, "the training ended before it could be killed"
        time.sleep(0.02)
    kill_tree(victim)
    done = train(killed, str(spec), *options, f"train.resume_from={run_of(killed)}", processes=processes)
    assert done.returncode == 0, done.stderr

    assert same_weights([run_of(straight), run_of(killed)], "iter_00000018")


def test_a_disabled_hook_takes_no_part_and_stays_in_the_spec(spec, tmp_path):
    done = train(tmp_path, str(spec), "train.max_epochs=1", "hooks.events.enabled=false", "~hooks.checkpoint.keep_best")
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    assert not (run / "events.jsonl").exists()
    assert load(run / "spec.toml").hooks["events"].enabled is False


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["data.train.cuont=4"], 1, "data.train.cuont: Shapes has no such key (did you mean 'count'?)"),
        (["data.root=/nowhere"], 3, "data.root: the folder /nowhere does not exist"),
        (["train.precision=fp16"], 3, 'write "bf16" or "fp32"'),
        (["train.load_from=/nowhere/weights.pth"], 3, "train.load_from: /nowhere/weights.pth does not exist"),
        (["train.resume_from=/nowhere"], 3, "train.resume_from: /nowhere does not exist"),
        (["data.images_per_device=500"], 1, "24 training images, but a batch takes 500"),
    ],
)
def test_mistakes_are_sentences(spec, tmp_path, arguments, code, said):
    done = subprocess.run(
        [sys.executable, "-m", "specdet.train", str(spec), *arguments],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == code


def test_a_missing_launcher_is_noticed(spec, tmp_path):
    experiment = load(spec)
    with pytest.raises(ValueError, match="accelerate launch --num_processes"):
        train_detector(torch.nn.Linear(1, 1), Datasets(train=None), experiment, distributed=True)


def test_the_shipped_specs_are_found():
    assert (shipped_specs() / "rpn.toml").is_file()
