import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.data.collate import collate
from tests.data.conftest import make_sample

SIZES = st.lists(st.tuples(st.integers(1, 70), st.integers(1, 70), st.integers(0, 3)), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(sizes=SIZES, divisor=st.sampled_from([1, 8, 32]))
def test_everything_is_padded_and_nothing_lost(sizes, divisor):
    generator = torch.Generator().manual_seed(0)
    samples = [
        make_sample(
            torch.randint(1, 256, (3, height, width), dtype=torch.uint8, generator=generator),
            torch.rand(count, 4, generator=generator),
            labels=[*range(count)],
        )
        for height, width, count in sizes
    ]
    batch = collate(samples, size_divisor=divisor)
    height, width = batch.images.shape[2:]
    assert height % divisor == width % divisor == 0
    assert 0 <= height - max(size[0] for size in sizes) < divisor
    assert 0 <= width - max(size[1] for size in sizes) < divisor
    assert batch.targets is not None
    assert batch.targets.boxes.shape[1] == max(1, *(size[2] for size in sizes))
    assert batch.sizes.tolist() == [[height, width] for height, width, _ in sizes]
    for place, sample in enumerate(samples):
        own_height, own_width = sample.size
        count = len(sample.labels)
        assert torch.equal(batch.images[place, :, :own_height, :own_width], sample.image)
        assert int((batch.images[place] > 0).sum()) == 3 * own_height * own_width  # the rest is zero
        assert torch.equal(batch.targets.boxes[place, :count], sample.boxes.as_subclass(torch.Tensor))
        assert not batch.targets.boxes[place, count:].any()
        assert batch.targets.labels[place].tolist() == [*range(count), *[-1] * (len(batch.targets.labels[0]) - count)]


def test_a_batch_without_objects_has_one_empty_slot():
    batch = collate([make_sample(torch.zeros(3, 8, 8, dtype=torch.uint8), [])], size_divisor=32)
    assert batch.targets is not None
    assert batch.targets.labels.tolist() == [[-1]]
    assert not batch.targets.valid.any()
    assert (batch.image_ids.tolist(), batch.keys.tolist(), batch.size_divisor) == ([7], [1], 32)
    assert type(batch.targets.boxes) is torch.Tensor
