"""A random choice of anchors that is a function of each image's key alone."""

import torch
from torch import Tensor

from specdet.models.matching.spec import RandomSamplerSpec
from specdet.models.samples import Samples

WORD = 0xFFFFFFFF


class RandomSampler:
    """Positives up to their share, negatives for the rest, without a generator and without reading the device.

    Anchors are ranked by a hash of (key, id), so neither the batch, its padding, the rank, the device nor the order of
    calls changes which are drawn.
    """

    def __init__(self, spec: RandomSamplerSpec):
        self.spec = spec

    def __call__(self, matched: Tensor, *, keys: Tensor, ids: Tensor) -> Samples:
        """Draw `num` anchors from each image.

        Args:
            matched: (N, A) int64; >= 0 for positives, -1 for negatives, less for anchors that take no part.
            keys: (N,) int64.
            ids: (A,) int64 from 0 to 2^32 - 1, the names of the anchors.
        """
        ranks = random_ranks(keys, ids)
        pos_quota = int(self.spec.num * self.spec.pos_fraction)
        pos_ranks, pos = torch.where(matched >= 0, ranks, -1).topk(min(pos_quota, matched.shape[1]), dim=1)
        neg_ranks, neg = torch.where(matched == -1, ranks, -1).topk(min(self.spec.num, matched.shape[1]), dim=1)
        pos_used = pos_ranks >= 0
        neg_quota = self.spec.num - pos_used.sum(dim=1, keepdim=True)
        in_quota = torch.arange(neg.shape[1], device=neg.device) < neg_quota
        return Samples(pos=pos, pos_used=pos_used, neg=neg, neg_used=(neg_ranks >= 0) & in_quota)


def random_ranks(keys: Tensor, ids: Tensor) -> Tensor:
    """(N, A) int64 in 0..2^32-1: for each of the (N,) keys a random order of the (A,) ids, without ties between them.

    Each step is a bijection of 32-bit words; the mixing is that of MurmurHash3's last stage.
    """
    words = ids[None]
    for half in (keys & WORD, (keys >> 32) & WORD):
        words = words ^ half[:, None]
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            words = ((words ^ (words >> shift)) * factor) & WORD
        words = words ^ (words >> 16)
    return words
