"""Deltas against torchvision's coder, and their round trip."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection._utils import BoxCoder

from specdet.boxes.coders import DeltaXYWH
from specdet.boxes.spec import DeltaXYWHSpec

coordinate = st.floats(-100, 100, width=32)
side = st.floats(4, 128, width=32)
box = st.tuples(coordinate, coordinate, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@settings(max_examples=60, deadline=None)
@given(reference=box, target=box, std=st.floats(0.1, 2), mean=st.floats(-1, 1))
def test_what_is_encoded_decodes_to_itself(reference, target, std, mean):
    coder = DeltaXYWH(DeltaXYWHSpec(means=(mean,) * 4, stds=(std,) * 4))
    reference, target = torch.tensor([reference]), torch.tensor([target])
    torch.testing.assert_close(coder.decode(reference, coder.encode(reference, target)), target, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("stds", [(1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 0.2)])
def test_numbers_are_torchvisions(stds):
    torch.manual_seed(0)
    corner = torch.rand(2, 20, 2) * 100
    references, targets = (torch.cat((corner, corner + 10 + torch.rand(2, 20, 2) * 50), dim=-1) for _ in range(2))
    coder = DeltaXYWH(DeltaXYWHSpec(stds=stds, clamp="max"))
    theirs = BoxCoder(weights=tuple(1 / std for std in stds))
    encoded = coder.encode(references, targets)
    torch.testing.assert_close(
        encoded.flatten(0, 1), theirs.encode_single(targets.flatten(0, 1), references.flatten(0, 1))
    )
    deltas = torch.randn(2, 20, 4) * 8
    expected = theirs.decode_single(deltas.flatten(0, 1), references.flatten(0, 1))
    torch.testing.assert_close(coder.decode(references, deltas).flatten(0, 1), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("clamp", "smallest"), [("both", 16.0 * 16 / 1000), ("max", 16.0 * math.exp(-20))])
def test_growth_is_limited_and_shrinking_if_asked(clamp, smallest):
    reference = torch.tensor([[0.0, 0.0, 16.0, 16.0]])
    coder = DeltaXYWH(DeltaXYWHSpec(clamp=clamp))
    grown = coder.decode(reference, torch.tensor([[0.0, 0.0, 20.0, 20.0]]))
    torch.testing.assert_close(grown, torch.tensor([[-492.0, -492.0, 508.0, 508.0]]))
    x1, _, x2, _ = coder.decode(torch.tensor([[-8.0, -8.0, 8.0, 8.0]]), torch.tensor([[0.0, 0.0, -20.0, -20.0]]))[0]
    assert (x2 - x1).item() == pytest.approx(smallest, rel=1e-5)
