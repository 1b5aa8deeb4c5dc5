"""The heads of RetinaNet and ATSS alone: names, their start, and the order in which they say things."""

import pytest
import torch

from specdet.models.detectors.dense_spec import ATSSTrainSpec, RetinaTrainSpec
from specdet.models.detectors.spec import DetectionTestSpec
from specdet.models.heads.atss import ATSSHead
from specdet.models.heads.retina import RetinaHead
from specdet.models.heads.spec import ATSSHeadSpec, RetinaHeadSpec

PARTS = {RetinaHead: (RetinaHeadSpec, RetinaTrainSpec), ATSSHead: (ATSSHeadSpec, ATSSTrainSpec)}


def head(kind: type, *, channels=(8, 8), **fields):
    torch.manual_seed(0)
    spec, train = PARTS[kind]
    return kind(
        spec(feat_channels=32, **fields),
        in_channels=channels,
        strides=(8, 16),
        num_classes=5,
        train=train(),
        test=DetectionTestSpec(),
    )


@pytest.mark.parametrize(("kind", "fields", "tower"), [
    (RetinaHead, {}, {"weight", "bias"}),
    (RetinaHead, {"norm": "GN"}, {"0.weight", "1.weight", "1.bias"}),
    (ATSSHead, {}, {"0.weight", "1.weight", "1.bias"}),
    (ATSSHead, {"norm": "none"}, {"weight", "bias"}),
])  # fmt: skip
def test_the_names_are_mmdetections(kind, fields, tower):
    prefix, last = ("retina", ("cls", "reg")) if kind is RetinaHead else ("atss", ("cls", "reg", "centerness"))
    expected = {f"{branch}_convs.{index}.{name}" for branch in ("cls", "reg") for index in range(4) for name in tower}
    expected |= {f"{prefix}_{each}.{name}" for each in last for name in ("weight", "bias")}
    expected |= {f"scales.{level}.scale" for level in range(2)} if kind is ATSSHead else set()
    assert set(head(kind, **fields).state_dict()) == expected


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("prior", [0.01, 0.3])
def test_weights_start_small_and_every_class_at_its_prior(kind, prior):
    made = head(kind, prior_prob=prior)
    convolutions = [each for each in made.modules() if isinstance(each, torch.nn.Conv2d)]
    assert made.cls_convs.get_submodule("1" if kind is RetinaHead else "1.0").weight.std().item() == pytest.approx(
        0.01, rel=0.05
    )
    biased = {id(each) for each in convolutions if each.bias is not None and each.bias.abs().sum() > 0}
    scores = made.retina_cls if kind is RetinaHead else made.atss_cls
    assert biased == {id(scores)}
    with torch.no_grad():
        outputs = made([torch.zeros(1, 8, 4, 4), torch.zeros(1, 8, 2, 2)], image_size=(32, 32))
    torch.testing.assert_close(outputs.logits.sigmoid(), torch.full_like(outputs.logits, prior))


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_outputs_stand_in_the_order_of_the_anchors(kind, layout):
    """A channel that tells its anchor and class, and a cell that tells its place, come out beside that anchor."""
    made, rows, columns, classes = head(kind), 3, 4, 5
    shapes = made.anchor_generator.anchors_per_cell
    assert shapes == (9 if kind is RetinaHead else 1)
    place = torch.arange(rows * columns).view(1, 1, rows, columns)

    def maps(width: int) -> list[torch.Tensor]:
        told = torch.arange(shapes * width).view(1, -1, 1, 1) * 100 + place
        large = told.float().contiguous(memory_format=layout)
        return [large, large[..., :2, :2].contiguous(memory_format=layout)]

    found = made.flatten(maps(classes), maps(4), image_size=(24, 32), centerness=maps(1))
    count = rows * columns * shapes
    assert found.anchors.counts == (count, 4 * shapes)
    x, y = (found.anchors.cells[:count] / 8).unbind(-1)
    anchor = torch.arange(count) % shapes
    for told, width in ((found.logits, classes), (found.deltas, 4), (found.centerness[..., None], 1)):
        first = told[0, :count]
        assert torch.equal(first % 100, (y * columns + x)[:, None].expand(-1, width))
        assert torch.equal(first.div(100, rounding_mode="floor").long(), anchor[:, None] * width + torch.arange(width))


@pytest.mark.parametrize("kind", PARTS)
def test_a_head_without_towers_and_one_for_levels_of_other_channels(kind):
    with torch.no_grad():
        outputs = head(kind, num_convs=0)([torch.zeros(1, 8, 4, 4), torch.zeros(1, 8, 2, 2)], image_size=(32, 32))
    assert outputs.logits.shape[2] == 5
    with pytest.raises(ValueError, match=rf"{kind.__name__} .* levels of \[8, 16\] channels"):
        head(kind, channels=(8, 16))


def test_each_level_of_atss_has_a_scale_of_its_own():
    made = head(ATSSHead)
    with torch.no_grad():
        features = [torch.randn(1, 8, 4, 4), torch.randn(1, 8, 2, 2)]
        before = made(features, image_size=(32, 32)).deltas
        made.scales[1].scale.fill_(3.0)
        after = made(features, image_size=(32, 32)).deltas
    torch.testing.assert_close(after[:, :16], before[:, :16])
    torch.testing.assert_close(after[:, 16:], 3 * before[:, 16:])
