"""Real children with real limits."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from specdet.cli import main
from specdet.spec.compose import shipped_specs

RPN = str(shipped_specs() / "rpn.toml")
# A step takes a megabyte or two an image.
TINY = [
    "model.backbone.base_channels=8",
    "train.threads_per_process=1",
    "data.train.count=400",
    "data.val.count=3",
    "data.val_images_per_device=1",
    "data.images_per_device=6",
    "train.accumulate=4",
    "schedule.warmup_iters=1",
]
LIBRARIES = re.compile(r"a process may have 1 MB, and the libraries alone take (\d+) MB")


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    """Children see no GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(scope="module")
def libraries():
    """MB that a child takes before it has done anything; more than that is for batches."""
    command = [sys.executable, "-m", "specdet.cli", "probe-batch", RPN, "--memory", "1MB", *TINY]
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=hidden, timeout=120)
    assert done.returncode == 3, done.stderr
    found = LIBRARIES.search(done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def trials(text: str) -> dict[int, bool]:
    """What was tried for training, and whether it fitted."""
    lines = text.split("in evaluation:")[0].splitlines()
    found = (re.match(r"(\d+) images?: (.*)", line) for line in lines)
    return {int(each[1]): "not fit" not in each[2] for each in found if each}


def test_the_largest_batch_fits_and_one_more_does_not(libraries, capsys):
    assert main(["probe-batch", RPN, "--memory", f"{libraries + 130}MB", "--eval", *TINY]) == 0
    said = capsys.readouterr().out
    tried = trials(said)
    largest = int(re.search(r"largest batch that fits: (\d+) images? on each device", said)[1])
    assert tried[largest] and not tried[largest + 1]
    assert all(fits is (images <= largest) for images, fits in tried.items())
    setting = re.search(
        r"to set: data.images_per_device=(\d+) train.accumulate=(\d+) data.val_images_per_device=3,", said
    )
    images, accumulate = int(setting[1]), int(setting[2])
    assert images * accumulate == 24  # as before
    assert tried[images]
    assert "other processes" in said


def test_more_memory_takes_larger_batches(libraries, capsys):
    found = []
    for more in (70, 140):
        assert main(["probe-batch", RPN, "--json", "--memory", f"{libraries + more}MB", *TINY]) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["problems"], document["interrupted"]) == ([], False)
        probe = document["probe"]
        assert probe["limit"] == (libraries + more) * 1_000_000
        fitting = [trial for trial in probe["trials"] if trial["fits"]]
        assert all(trial["peak"] <= probe["limit"] for trial in fitting)
        assert probe["fastest"] == max(fitting, key=lambda trial: trial["images_per_s"])["images"]
        assert probe["images_per_device"] * probe["accumulate"] == 24
        found.append(probe["largest"])
    assert found[1] > 1.3 * found[0]


def test_not_one_image_fits(libraries, capsys):
    assert main(["probe-batch", RPN, "--memory", f"{libraries + 8}MB", *TINY]) == 3
    said = capsys.readouterr()
    assert trials(said.out)[1] is False
    assert "data.images_per_device: not even one image fits in" in said.err


def test_ctrl_c_leaves_no_child_and_says_what_was_found(libraries):
    command = [sys.executable, "-u", "-m", "specdet.cli", "probe-batch", RPN, "--memory", f"{libraries + 900}MB"]
    process = subprocess.Popen([*command, *TINY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    while not re.match(r"\d+ images?: .* at most", line := process.stdout.readline()):
        assert line, process.communicate()
    children = psutil.Process(process.pid).children(recursive=True)
    deadline = time.monotonic() + 60
    while not children and time.monotonic() < deadline:
        children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == ""
    assert said.startswith("cpu: a process may have")
    assert "interrupted; so far:\nlargest batch that fits:" in rest
    assert children and not any(child.is_running() for child in children)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_wrong_spec_is_told_as_check_tells_it(tmp_path, capsys, more):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = ["specdet:rpn.toml"]\nseeed = 1\n')
    assert main(["probe-batch", str(wrong), *more]) == 1
    said = capsys.readouterr()
    if more:
        document = json.loads(said.out)
        assert [problem["line"] for problem in document["problems"]] == [2]
    else:
        assert f"{wrong}:2:1: seeed" in said.err


def test_missing_data_is_told_at_its_line(tmp_path, capsys):
    coco = str(shipped_specs() / "coco/rpn_r50_fpn_1x.toml")
    assert main(["probe-batch", coco, f"data.root={tmp_path}/nowhere"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("command line: data.root=") and "does not exist" in said


def test_wrong_usage_is_told(capsys):
    assert main(["probe-batch", RPN, "--processes", "0"]) == 2
    with pytest.raises(SystemExit) as ended:
        main(["probe-batch", RPN, "--memory", "much"])
    assert ended.value.code == 2
    assert "'much' is no size: write it as 6GB" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("6GB", 6 * 10**9), ("1.5GiB", 3 * 2**29), ("500 mb", 5 * 10**8), ("1000000", 10**6), ("2k", 2000)],
)
def test_sizes_are_read_as_people_write_them(text, expected):
    from specdet.verbs.probe_batch import _bytes

    assert _bytes(text) == expected
