import pytest
import torch

from specdet.runner.batch_processor import parse_losses


def test_losses_are_summed_and_all_is_logged_on_the_device():
    weight = torch.tensor(2.0, requires_grad=True)
    loss, log_vars = parse_losses({"loss/a": weight * 3, "accuracy": weight * 5, "loss/b": weight**2})
    loss.backward()
    assert weight.grad == 3 + 2 * 2
    assert {name: value.item() for name, value in log_vars.items()} == {
        "loss/a": 6,
        "accuracy": 10,
        "loss/b": 4,
        "loss": 10,
    }
    assert not any(value.requires_grad for value in log_vars.values())


def test_no_loss_is_an_error():
    with pytest.raises(ValueError, match='names that start with "loss/", got acc'):
        parse_losses({"acc": torch.ones(())})
