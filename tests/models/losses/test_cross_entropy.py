import pytest
import torch

from specdet.models.losses.spec import CrossEntropySpec


def test_it_is_minus_the_logarithm_of_the_share_of_the_right_class():
    logits = torch.tensor([[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]])
    found = CrossEntropySpec(weight=2.0).build()(logits, torch.tensor([[2, 0]]))
    exp = logits.exp()
    assert found.shape == (1, 2)
    assert found[0, 0].item() == pytest.approx(-2 * (exp[0, 0, 2] / exp[0, 0].sum()).log().item(), rel=1e-6)
    assert found[0, 1].item() == pytest.approx(2 * 1.0986123, rel=1e-6)
