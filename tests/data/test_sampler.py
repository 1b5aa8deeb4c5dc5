from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from specdet.data.sampler import EpochBatchSampler, EvaluationBatchSampler


def make_sizes(count: int, *, tall_every: int = 3) -> np.ndarray:
    return np.array([(40, 30) if index % tall_every == 0 else (30, 40) for index in range(count)])


def sampler(count: int, per_device: int, *, seed: int = 0, rank: int = 0, world: int = 1, group: bool = False):
    return EpochBatchSampler(
        make_sizes(count),
        images_per_device=per_device,
        seed=seed,
        rank=rank,
        world_size=world,
        group_by_aspect=group,
    )


CASE = {
    "count": st.integers(1, 60),
    "per_device": st.integers(1, 4),
    "world": st.integers(1, 3),
    "seed": st.integers(0, 2**40),
    "group": st.booleans(),
}


def ranks_of(count, per_device, world, seed, group):
    try:
        return [sampler(count, per_device, seed=seed, rank=rank, world=world, group=group) for rank in range(world)]
    except ValueError:
        assume(False)
        raise


@settings(deadline=None)
@given(**CASE, epoch=st.integers(0, 100))
def test_ranks_share_an_epoch_without_overlap(count, per_device, world, seed, group, epoch):
    ranks = ranks_of(count, per_device, world, seed, group)
    for each in ranks:
        each.seek(epoch=epoch)
    batches = [[*each] for each in ranks]
    assert {len(own) for own in batches} == {len(each) for each in ranks}  # the same number for all
    keys = [key for own in batches for batch in own for key in batch]
    assert max(Counter(keys).values()) == 1
    assert {key[0] for key in keys} == {epoch}
    assert all(len(batch) == per_device for own in batches for batch in own)
    lost = count - len(keys)
    assert 0 <= lost < world * per_device * (2 if group else 1)
    if group:
        sizes = make_sizes(count)
        for together in zip(*batches, strict=True):
            assert len({tuple(sizes[index]) for batch in together for _, index in batch}) == 1


@settings(deadline=None)
@given(**CASE, epoch=st.integers(0, 9), data=st.data())
def test_seeking_is_skipping(count, per_device, world, seed, group, epoch, data):
    own = ranks_of(count, per_device, world, seed, group)[-1]
    batch = data.draw(st.integers(0, len(own)))
    own.seek(epoch=epoch)
    whole = [*own]
    own.seek(epoch=epoch, batch=batch)
    assert len(own) == len(whole)
    assert [*own] == whole[batch:]
    after = [*own]
    own.seek(epoch=epoch + 1)
    assert after == [*own]  # the iteration after starts the next epoch


@settings(deadline=None)
@given(count=st.integers(4, 60), per_device=st.integers(1, 3), seed=st.integers(0, 999), group=st.booleans())
def test_two_ranks_see_together_what_one_with_twice_the_images_sees(count, per_device, seed, group):
    pair = ranks_of(count, per_device, 2, seed, group)
    single = sampler(count, 2 * per_device, seed=seed, group=group)
    assert [first + second for first, second in zip(*pair, strict=True)] == [*single]


def test_epochs_and_seeds_differ():
    own = sampler(50, 5)
    first, second = [*own], [*own]
    indices = [[index for batch in epoch for _, index in batch] for epoch in (first, second)]
    assert sorted(indices[0]) == sorted(indices[1]) == [*range(50)]
    assert indices[0] != indices[1] != [*range(50)]
    assert [*sampler(50, 5, seed=1)] != first
    assert [*sampler(50, 5)] == first


def test_grouped_batches_come_in_mixed_order():
    batches = [*sampler(300, 2, group=True)]
    tall = [batch[0][1] % 3 == 0 for batch in batches]
    changes = sum(one != other for one, other in pairwise(tall))
    # 100 of 300 are tall: about 4/9 of the neighbours differ if the order is mixed, one if it is not.
    assert changes > 40


def test_an_iterator_that_is_only_made_changes_nothing():
    own = sampler(20, 5)
    expected = [*sampler(20, 5)]
    iter(own)
    assert [*own] == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"count": 3, "per_device": 2, "world": 2},
            r"3 training images, but a batch takes 4 \(2 devices with 2 each\)",
        ),
        ({"count": 3, "per_device": 4}, "lower data.images_per_device"),
        ({"count": 6, "per_device": 5, "group": True}, "4 are wide and 2 are not: turn data.group_by_aspect off"),
    ],
)
def test_too_few_images_for_a_batch_is_an_error(arguments, said):
    with pytest.raises(ValueError, match=said):
        sampler(**arguments)


@given(count=st.integers(1, 40), per_device=st.integers(1, 7), world=st.integers(1, 5))
def test_evaluation_takes_every_image_once_and_in_order(count, per_device, world):
    ranks = [
        EvaluationBatchSampler(count, images_per_device=per_device, rank=rank, world_size=world)
        for rank in range(world)
    ]
    indices = [[index for batch in each for epoch, index in batch if epoch == 0] for each in ranks]
    assert indices == [[*range(rank, count, world)] for rank in range(world)]
    assert [len([*each]) for each in ranks] == [len(each) for each in ranks]
    assert all(len(batch) <= per_device for each in ranks for batch in each)
