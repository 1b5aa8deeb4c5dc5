"""What is said where memory ran out."""

import errno
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from small_training import environment, write_spec
from torch import nn

from specdet.exit_codes import WRONG_MACHINE
from specdet.training_failure import failure_of
from specdet.training_memory import batch_of, described, part_of_step
from tests.models.batches import make_batch

SPEC = """
[data]
images_per_device = {images}
[train]
accumulate = 3
precision = "{precision}"
"""


def failed(batch, *, kind=torch.OutOfMemoryError) -> BaseException:
    """An error out of the depths of a step on `batch`."""

    def deep():
        raise kind("CUDA out of memory. Tried to allocate 2 GiB.\nA second line")

    def step(images):
        (lambda: deep())()
        return images

    try:
        step([batch])
    except BaseException as error:  # of the kind that the test asks for
        return error
    raise AssertionError("it raises")


def runner(*, phase="train", images=4, precision="fp32"):
    text = SPEC.format(images=images, precision=precision)
    return SimpleNamespace(failed_in=phase, iter=7, spec_text=text)


BATCH = make_batch([(64, 96), (50, 60)], [[[1.0, 2, 30, 40], [5, 5, 20, 20]], []])


def test_the_batch_is_told():
    assert batch_of(failed(BATCH)) is BATCH
    assert described(BATCH) == "2 images of 3 x 64 x 96 px, at most 2 boxes in one (image ids 0, 1)"
    assert batch_of(ValueError()) is None


def test_what_to_try_names_the_keys_and_their_values():
    failure = failure_of(failed(BATCH), runner=runner(), directory=None)
    assert failure.reason == "oom" and "A second line" not in failure.message
    assert failure.message == (
        "out of memory in training, after iter 7, with 2 images of 3 x 64 x 96 px, at most 2 boxes in one "
        "(image ids 0, 1). Things to try: fewer images at a time (data.images_per_device is 4; `specdet probe-batch` "
        "finds how many fit); with train.accumulate = 6 a step of 2 images still takes as many as now; "
        'train.precision = "bf16", where the '
        "device has it; smaller images (data.train_transforms). CUDA out of memory. Tried to allocate 2 GiB."
    )


@pytest.mark.parametrize(
    ("found", "there", "missing"),
    [
        (
            runner(phase="eval"),
            "data.val_images_per_device is 4; `specdet probe-batch --eval` finds",
            "train.accumulate",
        ),
        (runner(images=1), "data.images_per_device is 1", "train.accumulate"),
        (runner(images=3), "data.images_per_device is 3", "train.accumulate"),
        (runner(precision="bf16"), "train.accumulate = 6", "train.precision"),
        (None, "while the training was prepared", "is 4"),
    ],
)
def test_only_what_can_help_is_told(found, there, missing):
    message = failure_of(failed(BATCH), runner=found, directory=None).message
    assert there in message and missing not in message


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a primitive"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=str,
)
def test_whatever_could_not_allocate_is_out_of_memory(error):
    assert failure_of(error, runner=runner(), directory=None).reason == "oom"
    assert failure_of(OSError(errno.EIO, "broken"), runner=runner(), directory=None).reason == "error"


class Hungry(nn.Module):
    """A layer that fails where it is told to."""

    def __init__(self, part: str):
        super().__init__()
        self.part, self.weight = part, nn.Parameter(torch.ones(3))

    def forward(self, values):
        if self.part == "forward":
            torch.empty(10**15)
        values = values * self.weight
        if self.part == "backward":
            values.register_hook(lambda gradient: torch.empty(10**15))
        return values.sum()


class HungryOptimizer(torch.optim.SGD):
    def _init_group(self, *arguments):
        torch.empty(10**15)


def out_of_step(part: str) -> BaseException:
    """What a step raises that has no memory in one of its parts."""
    model = Hungry(part)
    kind = HungryOptimizer if part == "step" else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=1.0)
    try:
        if part == "elsewhere":
            torch.empty(10**15)
        model(torch.ones(3)).backward()
        optimizer.step()
    except RuntimeError as error:
        return error
    raise AssertionError("it raises")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("forward", "the forward pass"),
        ("backward", "the backward pass"),
        ("step", "the optimizer's step"),
        ("elsewhere", ""),
    ],
)
def test_the_part_of_a_step_is_told(part, expected):
    error = out_of_step(part)
    assert part_of_step(error) == expected
    message = failure_of(error, runner=runner(), directory=None).message
    before = f"after iter 7, in {expected}. Things" if expected else "after iter 7. Things"
    assert before in message


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no notice of RLIMIT_AS")
def test_a_training_without_enough_memory_ends_with_a_sentence(tmp_path):
    # The libraries alone take gigabytes of addresses. Half a gigabyte more is enough for some tens of these images.
    code = """
import resource, runpy, sys
import accelerate, torch, torchvision
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 500_000_000,) * 2)
sys.argv[0] = "specdet.train"
runpy.run_module("specdet.train", run_name="__main__")
"""
    arguments = [*write_spec(tmp_path), "data.images_per_device=400", "data.train.count=400", "schedule.warmup_iters=1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == WRONG_MACHINE, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.search(
        r"^out of memory in training, after iter 0, in the forward pass, with 400 images of 3 x 128 x 128 px, .*"
        r"data\.images_per_device is 400; `specdet probe-batch` finds how many fit",
        last,
    ), last
