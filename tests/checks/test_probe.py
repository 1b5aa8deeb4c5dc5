import os
import signal
from collections import Counter

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.checks.probe import CHILD, Facts, Order, Prober, Shape, Trial, parts_of, search
from specdet.checks.sets import largest_shape, most_boxes, open_set
from specdet.experiment import load
from specdet.spec import SpecError
from specdet.train import build_datasets

TINY = (
    "model.backbone.base_channels=8",
    "model.neck.out_channels=16",
    "model.rpn_head.feat_channels=16",
    "train.threads_per_process=1",
    "data.train.count=20",
    "schedule.warmup_iters=1",
)


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    """Children see no GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@given(most=st.integers(1, 400), first=st.integers(1, 400), largest=st.integers(0, 400))
def test_the_search_ends_between_what_fits_and_what_does_not(most, first, largest):
    first, largest, tried = min(first, most), min(largest, most), []

    def fits(images: int) -> bool:
        tried.append(images)
        return images <= largest

    assert search(first=first, most=most, fits=fits) == largest
    assert tried[0] == first and len(set(tried)) == len(tried) <= 24
    assert all(1 <= images <= most for images in tried)
    assert largest == 0 or largest in tried
    assert largest == most or largest + 1 in tried


@given(images=st.integers(1, 300))
def test_whole_batches_make_up_a_step(images):
    parts = parts_of(images)
    assert parts == sorted(parts, reverse=True) and {1, images} <= {*parts}
    assert all(part * (images // part) == images for part in parts)


def facts(*, images: int = 8, accumulate: int = 3, estimate: int | None = 5) -> Facts:
    shape = Shape(alone=(64, 64), together=(64, 96), boxes=2, images=40)
    return Facts(
        device="cpu", on_host=True, limit=10, margin=0, classes=3, images=images, accumulate=accumulate,
        val_images=2, train=shape, val=None, estimate=estimate,
    )  # fmt: skip


class MadeUp(Prober):
    """Batches of up to so many images fit, and each image takes as long as there are images."""

    def __init__(self, largest: int, **told):
        super().__init__(Order(spec=""))
        self.facts, self._largest = facts(**told), largest

    def _try(self, images, *, evaluates):
        fits = images <= self._largest
        return Trial(images=images, fits=fits, images_per_s=1 / images if fits else None)


@pytest.mark.parametrize(
    ("largest", "images", "accumulate"), [(7, 6, 4), (8, 8, 3), (11, 8, 3), (30, 24, 1), (1, 1, 24)]
)
def test_a_step_keeps_its_images(largest, images, accumulate):
    prober = MadeUp(largest)
    prober.find()
    found = prober.found()
    assert (found.largest, found.images_per_device, found.accumulate) == (largest, images, accumulate)
    tried = {trial.images: trial.fits for trial in prober.trials}
    assert tried[images] and tried[largest] and not tried[largest + 1]
    assert found.fastest == min(image for image, fits in tried.items() if fits)


def test_nothing_is_found_where_nothing_fits():
    prober = MadeUp(0)
    prober.find()
    assert prober.found().largest is None
    assert prober.found().images_per_device is None


def test_the_data_tells_its_own_most_boxes_and_largest_batch():
    experiment = load("specdet:rpn.toml", TINY)
    reader = open_set(experiment.data.train, path="data.train", training=True)
    annotations = build_datasets(experiment).train.ground_truth()["annotations"]
    assert most_boxes(reader) == max(Counter(each["image_id"] for each in annotations).values())
    assert largest_shape(experiment.data, sizes=reader.sizes) == (128, 128)


def children() -> list[psutil.Process]:
    """Those that try steps; a process that runs tests may have others."""
    return [child for child in psutil.Process().children() if CHILD in child.cmdline()]


def test_a_child_that_the_system_kills_had_too_little_memory():
    with Prober(Order(spec="specdet:rpn.toml", overrides=TINY)) as prober:
        found = prober.look()
        assert (found.device, found.images_of_step, found.train.images) == ("cpu", 4, 20)
        assert found.margin >= 500_000_000
        assert prober.fits(1)
        (child,) = children()
        os.kill(child.pid, signal.SIGKILL)
        assert not prober.fits(2)
        assert "killed" in prober.trials[1].why
        assert prober.fits(3)  # by another child
    assert not children()


def test_a_child_that_crashes_tells_nothing_of_memory():
    with Prober(Order(spec="specdet:rpn.toml", overrides=TINY)) as prober:
        prober.look()
        assert prober.fits(1)
        (child,) = children()
        os.kill(child.pid, signal.SIGSEGV)
        with pytest.raises(SpecError, match="2 images ended its process with SIGSEGV"):
            prober.fits(2)
