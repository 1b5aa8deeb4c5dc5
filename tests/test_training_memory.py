"""What is said where memory ran out."""

import errno
from types import SimpleNamespace

import pytest
import torch

from specdet.training_failure import failure_of
from specdet.training_memory import batch_of, described
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
    except BaseException as error:
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
        "(image ids 0, 1). Things to try: fewer images at a time (data.images_per_device is 4); with "
        'train.accumulate = 6 a step of 2 images still takes as many as now; train.precision = "bf16", where the '
        "device has it; smaller images (data.train_transforms). CUDA out of memory. Tried to allocate 2 GiB."
    )


@pytest.mark.parametrize(
    ("found", "there", "missing"),
    [
        (runner(phase="eval"), "data.val_images_per_device is 4", "train.accumulate"),
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
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=str,
)
def test_whatever_could_not_allocate_is_out_of_memory(error):
    assert failure_of(error, runner=runner(), directory=None).reason == "oom"
    assert failure_of(OSError(errno.EIO, "broken"), runner=runner(), directory=None).reason == "error"
