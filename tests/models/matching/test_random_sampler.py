"""The laws of the sampler: quotas, independence of all but the key, an even chance for each anchor."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.models.matching.random_sampler import RandomSampler, random_ranks
from specdet.models.matching.spec import RandomSamplerSpec

key = st.integers(-(2**63), 2**63 - 1)


def drawn(samples, image: int) -> tuple[list[int], list[int]]:
    return (
        samples.pos[image][samples.pos_used[image]].tolist(),
        samples.neg[image][samples.neg_used[image]].tolist(),
    )


@settings(max_examples=80, deadline=None)
@given(
    matched=st.lists(st.integers(-2, 3), min_size=1, max_size=60),
    key=key,
    num=st.integers(1, 40),
    fraction=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_quotas(matched, key, num, fraction):
    sampler = RandomSampler(RandomSamplerSpec(num=num, pos_fraction=fraction))
    samples = sampler(torch.tensor([matched]), keys=torch.tensor([key]), ids=torch.arange(len(matched)))
    pos, neg = drawn(samples, 0)
    positives = {index for index, slot in enumerate(matched) if slot >= 0}
    negatives = {index for index, slot in enumerate(matched) if slot == -1}
    assert len(pos) == len(set(pos)) == min(len(positives), int(num * fraction))
    assert len(neg) == len(set(neg)) == min(len(negatives), num - len(pos))
    assert set(pos) <= positives and set(neg) <= negatives


@settings(max_examples=40, deadline=None)
@given(keys=st.lists(key, min_size=2, max_size=4, unique=True), seed=st.integers(0, 2**31))
def test_an_image_draws_the_same_in_any_batch(keys, seed):
    matched = torch.randint(-2, 2, (len(keys), 300), generator=torch.Generator().manual_seed(seed))
    sampler, keys, ids = RandomSampler(RandomSamplerSpec(num=32)), torch.tensor(keys), torch.arange(300)
    together = sampler(matched, keys=keys, ids=ids)
    turned = sampler(matched.flip(0), keys=keys.flip(0), ids=ids)
    for image in range(len(keys)):
        alone = sampler(matched[image : image + 1], keys=keys[image : image + 1], ids=ids)
        assert drawn(together, image) == drawn(alone, 0) == drawn(turned, len(keys) - 1 - image)


def test_anchors_go_by_their_names_not_by_their_places():
    matched = torch.randint(-2, 2, (1, 300), generator=torch.Generator().manual_seed(0))
    sampler, keys = RandomSampler(RandomSamplerSpec(num=32)), torch.tensor([5])
    ids = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    plain = sampler(matched, keys=keys, ids=torch.arange(300))
    moved = sampler(matched[:, ids], keys=keys, ids=ids)
    assert [set(each) for each in drawn(plain, 0)] == [set(ids[each].tolist()) for each in drawn(moved, 0)]


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    RandomSampler(RandomSamplerSpec())(torch.zeros(1, 9).long(), keys=torch.tensor([1]), ids=torch.arange(9))
    assert torch.equal(torch.get_rng_state(), before)


def test_ranks_have_no_ties_and_every_anchor_the_same_chance():
    keys = torch.arange(400) * 2**32 + torch.arange(400).flip(0)
    ranks = random_ranks(keys, torch.arange(500))
    assert ranks.min() >= 0 and ranks.max() < 2**32
    assert all(len(row.unique()) == 500 for row in ranks)
    chosen = torch.zeros(500).index_add(0, ranks.topk(100, dim=1).indices.flatten(), torch.ones(400 * 100))
    # Each anchor is drawn 400 times with a chance of 1/5: mean 80, standard deviation 8.
    assert chosen.mean() == 80 and 7 < chosen.std() < 9.2
    assert (chosen - 80).abs().max() < 5 * 8


def test_neighbouring_keys_draw_unlike_samples():
    ranks = random_ranks(torch.arange(50), torch.arange(2000)).double()
    correlation = torch.corrcoef(ranks)
    assert (correlation - torch.eye(50)).abs().max() < 5.5 / 2000**0.5
