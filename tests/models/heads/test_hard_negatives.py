"""Hard negatives against the lines of torchvision's SSD that choose them, and against sorted lists."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specdet.models.heads.hard_negatives import hard_negatives


def torchvisions(losses, positive, ratio):
    """As `SSD.compute_loss` ranks them."""
    negative_loss = losses.clone()
    negative_loss[positive] = -float("inf")
    _, order = negative_loss.sort(1, descending=True)
    return order.sort(1)[1] < ratio * positive.sum(1, keepdim=True)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.sampled_from([0.0, 0.05, 0.2]), ratio=st.sampled_from([0.5, 1.0, 3.0]))
def test_they_are_torchvisions(seed, share, ratio):
    generator = torch.Generator().manual_seed(seed)
    losses = torch.rand(3, 60, generator=generator)
    positive = torch.rand(3, 60, generator=generator) < share
    expected = torchvisions(losses, positive, ratio) & ~positive  # with few negatives theirs takes positives twice
    assert torch.equal(hard_negatives(losses, positive=positive, negative=~positive, ratio=ratio), expected)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_each_image_has_the_largest_of_those_that_count(seed):
    generator = torch.Generator().manual_seed(seed)
    losses = torch.rand(2, 40, generator=generator)
    kind = torch.randint(0, 3, (2, 40), generator=generator)  # 0 positive, 1 negative, 2 neither
    found = hard_negatives(losses, positive=kind == 0, negative=kind == 1, ratio=0.5)
    for image in range(2):
        wanted = -(-int((kind[image] == 0).sum()) // 2)
        largest = losses[image][kind[image] == 1].sort(descending=True).values[:wanted]
        assert torch.equal(losses[image][found[image]].sort(descending=True).values, largest)
