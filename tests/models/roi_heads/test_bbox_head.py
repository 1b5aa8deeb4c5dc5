"""The head that tells a class and a box: names, start, losses by their formulas, boxes."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from specdet.models.roi_heads.bbox_head import BBoxHead, BBoxOutputs
from specdet.models.roi_heads.sample import RoISample
from specdet.models.roi_heads.spec import BBoxHeadSpec

K = 3


def head(**fields) -> BBoxHead:
    torch.manual_seed(0)
    return BBoxHead(BBoxHeadSpec(fc_channels=64, conv_channels=6, **fields), in_channels=4, in_size=7, num_classes=K)


def sample(boxes: list[list[float]], truth: list[list[float]], labels: list[int]) -> RoISample:
    positive = torch.tensor([labels]) < K
    return RoISample(
        boxes=torch.tensor([boxes]),
        used=torch.ones_like(positive),
        positive=positive,
        slots=torch.zeros_like(positive, dtype=torch.int64),
        labels=torch.tensor([labels]),
        truth=torch.tensor([truth]),
        is_truth=torch.zeros_like(positive),
        most_positives=len(boxes),
    )


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, {"shared_fcs.0", "shared_fcs.1", "fc_cls", "fc_reg"}),
        (
            {"num_convs": 2, "num_fcs": 1, "norm": "GN"},
            {*(f"shared_convs.{i}.{j}" for i in (0, 1) for j in (0, 1)), "shared_fcs.0", "fc_cls", "fc_reg"},
        ),
        ({"num_convs": 1, "num_fcs": 0}, {"shared_convs.0", "fc_cls", "fc_reg"}),
    ],
)
def test_layers_and_their_names(fields, names):
    found = head(**fields)
    assert {name.rpartition(".")[0] for name in found.state_dict()} == names
    outputs = found(torch.randn(10, 4, 7, 7), num_images=2)
    assert outputs.logits.shape == (2, 5, K + 1) and outputs.deltas.shape == (2, 5, K, 4)


def test_weights_start_as_in_mmdetection():
    found = head()
    assert found.fc_cls.weight.std().item() == pytest.approx(0.01, rel=0.2)
    assert found.fc_reg.weight.std().item() == pytest.approx(0.001, rel=0.2)
    first = found.shared_fcs[0]
    assert isinstance(first, nn.Linear)
    assert first.weight.abs().max().item() == pytest.approx((6 / (4 * 49 + 64)) ** 0.5, rel=0.01)
    assert all(layer.bias.abs().sum() == 0 for layer in found.modules() if isinstance(layer, nn.Linear))


def test_the_losses_of_a_case_made_by_hand():
    """Stds of .1 and .2: a shift by half a width is 5, twice the height is log(2) / .2."""
    case = sample(
        [[0.0, 0, 10, 20], [0, 0, 10, 10], [5, 5, 9, 9]], [[5.0, -10, 15, 30], [0, 0, 10, 10], [5, 5, 9, 9]], [1, 2, K]
    )
    logits = torch.tensor([[[0.0, 0, 0, 0], [1, 2, 3, 4], [0, 0, 0, 2]]])
    deltas = torch.zeros(1, 3, K, 4)
    deltas[0, 0, 1] = torch.tensor([4.0, 1, 0, 0])
    deltas[0, 0, 0] = 100.0  # of a class that it is not
    cls_loss, box_loss = head().loss(BBoxOutputs(logits=logits, deltas=deltas), case)
    torch.testing.assert_close(cls_loss[0], cross_entropy(logits[0], torch.tensor([1, 2, 3]), reduction="none"))
    assert cls_loss[0, 0].item() == pytest.approx(1.386294, rel=1e-5)
    assert box_loss[0].tolist() == pytest.approx([1 + 1 + 0.693147 / 0.2, 0, 0], rel=1e-5)


def test_one_box_serves_all_classes_if_wanted():
    agnostic = head(class_agnostic=True)
    outputs = agnostic(torch.randn(4, 4, 7, 7), num_images=1)
    assert outputs.deltas.shape == (1, 4, 1, 4)
    labels = torch.tensor([[0, 2, 1, K]])
    assert torch.equal(agnostic.deltas_of(outputs, labels), outputs.deltas[:, :, 0])


def test_losses_on_boxes_are_of_the_decoded_ones():
    case = sample([[0.0, 0, 10, 10]], [[0.0, 0, 10, 10]], [0])
    deltas = torch.zeros(1, 1, K, 4)
    deltas[0, 0, 0] = torch.tensor([5.0, 0, 0, 0])  # half a width to the right: IoU 1/3, of which the hull is all
    found = head(loss_box={"type": "GIoU"}).loss(BBoxOutputs(logits=torch.zeros(1, 1, K + 1), deltas=deltas), case)[1]
    assert found.item() == pytest.approx(1 - 1 / 3, rel=1e-5)


def test_boxes_are_decoded_for_each_class_and_cut_to_the_image():
    deltas = torch.zeros(1, 1, K, 4)
    deltas[0, 0, 1, 0], deltas[0, 0, 2, 0] = 5.0, -50.0
    outputs = BBoxOutputs(logits=torch.zeros(1, 1, K + 1), deltas=deltas)
    boxes = head().decode(torch.tensor([[[10.0, 10, 30, 20]]]), outputs, sizes=torch.tensor([[50, 35]]))
    assert boxes[0, 0].tolist() == [[10, 10, 30, 20], [20, 10, 35, 20], [0, 10, 0, 20]]


def test_a_box_is_refined_by_its_class_and_background_by_the_likeliest():
    deltas = torch.zeros(1, 2, K, 4)
    deltas[0, :, 0, 0], deltas[0, :, 2, 0] = 5.0, -5.0
    outputs = BBoxOutputs(logits=torch.tensor([[[0.0, 0, 1, 9]]]).repeat(1, 2, 1), deltas=deltas)
    boxes = torch.tensor([[10.0, 10, 30, 20]]).repeat(1, 2, 1)
    sizes = torch.tensor([[100, 100]])
    told = head().refine(boxes, outputs, sizes=sizes, labels=torch.tensor([[0, K]]))
    assert told[0].tolist() == [[20, 10, 40, 20], [0, 10, 20, 20]]
    assert head().refine(boxes, outputs, sizes=sizes)[0].tolist() == [[0, 10, 20, 20]] * 2
