import signal

import pytest
import torch

from specdet.data.build import build_dataset
from specdet.data.dataset import DetectionDataset
from specdet.data.loader import build_dataloader
from specdet.spec import SpecError
from specdet.structures import Batch

AUGMENT = {"flip": {"type": "Flip"}, "resize": {"type": "Resize", "short_side": (48, 64), "long_side": "any"}}


@pytest.fixture(scope="module")
def dataset() -> DetectionDataset:
    return build_dataset({"type": "Shapes", "count": 22, "size": 64}, transforms=AUGMENT, seed=3, training=True)


def loader(dataset, *, workers=0, training=True, **fields):
    return build_dataloader(
        dataset, **{"images_per_device": 4, "workers": workers, "seed": 5, "training": training, **fields}
    )


def assert_equal(one: Batch, other: Batch) -> None:
    for name in ("images", "sizes", "original_sizes", "image_ids", "keys"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert one.targets is not None
    assert other.targets is not None
    for name in ("boxes", "labels", "crowd"):
        assert torch.equal(getattr(one.targets, name), getattr(other.targets, name)), name


def test_batches_are_the_same_with_and_without_workers(dataset):
    alone, helped = loader(dataset), loader(dataset, workers=2)
    assert len(alone) == len(helped) == 5
    for epoch, batch in ((0, 0), (4, 3), (4, 0)):  # the same workers serve each of these
        for each in (alone, helped):
            each.batch_sampler.seek(epoch=epoch, batch=batch)
        batches = [*alone], [*helped]
        assert len(batches[0]) == len(batches[1]) == 5 - batch
        for one, other in zip(*batches, strict=True):
            assert_equal(one, other)
            assert one.images.dtype == torch.uint8
            assert one.size_divisor == 32


@pytest.mark.parametrize("workers", [0, 1])
def test_leaving_in_the_middle_and_seeking_continues_there(dataset, workers):
    whole = loader(dataset)
    whole.batch_sampler.seek(epoch=1)
    expected = [*whole]
    broken = loader(dataset, workers=workers)
    broken.batch_sampler.seek(epoch=1)
    for place, _ in enumerate(broken):
        if place == 1:
            break
    broken.batch_sampler.seek(epoch=1, batch=2)
    for one, other in zip(broken, expected[2:], strict=True):
        assert_equal(one, other)


@pytest.mark.parametrize("workers", [0, 1])
def test_iterating_leaves_the_global_generator_alone(dataset, workers):
    each = loader(dataset, workers=workers)
    before = torch.get_rng_state()
    for _ in each:
        pass
    assert torch.equal(before, torch.get_rng_state())


def test_two_ranks_load_what_one_loads(dataset):
    pair = [[*loader(dataset, images_per_device=2, rank=rank, world_size=2)] for rank in (0, 1)]
    for together, first, second in zip(loader(dataset), *pair, strict=True):
        assert torch.equal(together.keys, torch.cat([first.keys, second.keys]))


def test_evaluation_covers_the_data_set_in_order(dataset):
    batches = [*loader(dataset, training=False)]
    assert torch.cat([batch.image_ids for batch in batches]).tolist() == [*range(22)]
    assert [len(batch) for batch in batches] == [4, 4, 4, 4, 4, 2]
    again = [*loader(dataset, training=False)]
    assert_equal(batches[0], again[0])


def test_a_data_set_without_images_is_an_error(tmp_path, coco):
    for name in ("images", "annotations"):
        coco.data[name] = []
    coco.write()
    with pytest.raises(SpecError, match="has no image to work with"):
        build_dataset(coco.spec(), transforms={}, seed=0, training=False)


class Reporting:
    """Data whose samples say what their worker does about signals and threads."""

    def __init__(self, inner: DetectionDataset):
        self.inner, self.sizes = inner, inner.sizes

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, key):
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert torch.get_num_threads() == 1
        return self.inner[key]


def test_workers_leave_signals_to_the_trainer(dataset):
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert len([*loader(Reporting(dataset), workers=1)]) == 5
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_corrupt_image_is_named_by_the_loader(coco):
    (coco.images / "0.png").write_bytes((coco.images / "0.png").read_bytes()[:1000])
    dataset = build_dataset(coco.spec(), transforms={}, seed=0, training=False)
    with pytest.raises(ValueError, match=r"0\.png: the image cannot be decoded"):
        next(iter(loader(dataset, workers=1, training=False)))
