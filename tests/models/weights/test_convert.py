"""Weights of other tools under our names: complete for each detector, and every stray name is told."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.models import detection

from specdet.models.detectors.build import build_detector
from specdet.models.weights.convert import classes_told, convert, source_of, to_torchvision
from tests.models.weights.foreign import Shapes, detectron2, mmdetection
from tests.models.weights.tables import C5_FPN, DENSE_R50, FPN, P5_FPN, R50, TORCHVISION

PARTS: dict[str, Any] = {"backbone": R50, "neck": FPN}
MODELS: dict[str, Any] = {
    "RPN": {"type": "RPN", **PARTS},
    "RPN of its own": {"type": "RPN", **PARTS},
    **{
        name: {"type": name, "num_classes": 80, **PARTS}
        for name in ("FastRCNN", "FasterRCNN", "MaskRCNN", "CascadeRCNN", "CascadeMaskRCNN")
    },
    "RetinaNet": {"type": "RetinaNet", "num_classes": 80, "backbone": DENSE_R50, "neck": C5_FPN},
    "ATSS": {"type": "ATSS", "num_classes": 80, "backbone": DENSE_R50, "neck": P5_FPN},
    "FCOS": {"type": "FCOS", "num_classes": 80, "backbone": DENSE_R50, "neck": P5_FPN},
    "SSD": {"num_classes": 80, **TORCHVISION["ssd300_vgg16"]},
}
CLASSLESS = ("RPN", "RPN of its own")


def ours(table: dict[str, Any]) -> dict[str, Tensor]:
    with torch.device("meta"):
        return build_detector(table).state_dict()


def theirs(shapes: Shapes) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


@pytest.mark.parametrize("name", [*TORCHVISION])
def test_every_weight_of_torchvision_has_its_place_and_comes_back(name):
    make = getattr(detection, name)
    with torch.device("meta"):
        given = make(weights=None, weights_backbone=None).state_dict()
        expected = make(weights=None, weights_backbone=None, num_classes=81).state_dict()
    own = ours({"num_classes": 80, **TORCHVISION[name]})
    assert source_of(given, own=own) == "torchvision"
    made, report = convert(given, own=own, source="torchvision")
    assert report.is_complete and not report.skipped
    assert len({mine for _, mine in report.mapped}) == len(own)
    assert classes_told(made) == 80
    back, there = to_torchvision(own)
    assert not there.skipped
    assert {key: each.shape for key, each in back.items()} == {key: each.shape for key, each in expected.items()}


@pytest.mark.parametrize("kind", ["RetinaNet", "FCOS"])
def test_a_dense_head_of_torchvision_never_finds_the_number_that_is_unused(kind):
    table = {"type": "ResNet", "depth": 18, "base_channels": 16, "out_stages": [3]}
    head = {"conv_bias": True, "scale_per_level": False} if kind == "FCOS" else {}
    model = build_detector({
        "type": kind, "num_classes": 3, "backbone": table, "bbox_head": head,
        "neck": {"type": "FPN", "out_channels": 32, "extra_levels": 0},
    })  # fmt: skip
    weights, _ = to_torchvision(model.state_dict())
    layer = "head.classification_head.cls_logits"
    features = torch.randn(2, 256, 5, 5)
    logits = torch.nn.functional.conv2d(features, weights[f"{layer}.weight"], weights[f"{layer}.bias"], padding=1)
    scores = logits.unflatten(1, (-1, 4)).sigmoid()
    assert scores[:, :, 0].max() < 1e-6
    assert scores[:, :, 1:].min() > 1e-3, "about prior_prob, 0.01"


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn", "retinanet_resnet50_fpn"])
def test_files_of_the_first_versions_have_their_place(name):
    """Names without the `.0` of later torchvisions, and without the counters that frozen norms lack."""
    with torch.device("meta"):
        given = getattr(detection, name)(weights=None, weights_backbone=None).state_dict()

    def old(key: str) -> str:
        for part in ("inner_blocks", "layer_blocks"):
            if part in key:
                return key.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        if key.startswith("rpn.head.conv."):
            return key.replace("conv.0.0.", "conv.")
        words = key.split(".")
        if key.startswith("roi_heads.mask_head."):
            return f"roi_heads.mask_head.mask_fcn{int(words[2]) + 1}.{words[-1]}"
        if key.startswith("head.") and words[2] == "conv":
            return ".".join([*words[:3], str(2 * int(words[3])), words[-1]])
        return key

    first = {old(key): each for key, each in given.items() if not key.endswith("num_batches_tracked")}
    assert len(first) < len(given) and any(key not in given for key in first)
    _, report = convert(first, own=ours({"num_classes": 80, **TORCHVISION[name]}), source="torchvision")
    assert report.is_complete and not report.skipped


@pytest.mark.parametrize("name", [*mmdetection()])
def test_every_weight_of_mmdetection_has_its_place(name):
    own, given = ours(MODELS[name]), theirs(mmdetection()[name])
    assert source_of(given, own=own) in ("mmdetection", "specdet" if name in CLASSLESS else "mmdetection")
    made, report = convert(given, own=own, source="mmdetection")
    assert report.is_complete and not report.skipped
    assert classes_told(made) == (None if name in CLASSLESS else 80)


@pytest.mark.parametrize("name", [*detectron2()])
def test_every_weight_of_detectron2_has_its_place(name):
    table = MODELS[name]
    if name == "FCOS":
        table = {**table, "bbox_head": {"conv_bias": True, "scale_per_level": False}}
    own, given = ours(table), theirs(detectron2()[name])
    given["pixel_mean"] = given["proposal_generator.anchor_generator.cell_anchors.0"] = torch.empty(3, device="meta")
    assert source_of(given, own=own) == "detectron2"
    _, report = convert(given, own=own, source="detectron2")
    assert report.is_complete
    assert [each for each, _ in report.skipped] == ["pixel_mean", "proposal_generator.anchor_generator.cell_anchors.0"]
    assert any("blue first" in note for note in report.notes)


def test_the_one_mask_head_of_detectron2s_cascade_serves_all_of_ours():
    given = theirs(detectron2()["CascadeMaskRCNN"])
    made, _ = convert(given, own=ours(MODELS["CascadeMaskRCNN"]), source="detectron2")
    logits = given["roi_heads.mask_head.predictor.weight"]
    assert all(made[f"roi_head.mask_head.{stage}.conv_logits.weight"] is logits for stage in range(3))


def test_anchors_of_detectron2s_retinanet_are_put_in_our_order():
    shapes = detectron2()["RetinaNet"]
    given = theirs(shapes)
    size, shape = torch.meshgrid(torch.arange(3.0), torch.arange(3.0), indexing="ij")
    code = (size * 3 + shape).flatten()  # of the anchors, those of one size together
    given["head.bbox_pred.bias"] = code.repeat_interleave(4)
    given["head.cls_score.bias"] = code.repeat_interleave(80)
    made, _ = convert(given, own=ours(MODELS["RetinaNet"]), source="detectron2")
    expected = torch.tensor([0.0, 3, 6, 1, 4, 7, 2, 5, 8])  # those of one shape together, the small ones first
    assert torch.equal(made["bbox_head.retina_reg.bias"], expected.repeat_interleave(4))
    assert torch.equal(made["bbox_head.retina_cls.bias"], expected.repeat_interleave(80))


def test_names_that_fit_nothing_are_told_and_so_is_what_is_missing():
    given = theirs(mmdetection()["FasterRCNN"])
    del given["neck.fpn_convs.2.conv.bias"]
    given["neck.fpn_convs.9.conv.bias"] = torch.empty(256, device="meta")
    given["data_preprocessor.mean"] = torch.empty(3, device="meta")
    given["roi_head.bbox_head.fc_cls.weight"] = torch.empty(4, 1024, device="meta")
    _, report = convert(given, own=ours(MODELS["FasterRCNN"]), source="mmdetection")
    assert not report.is_complete
    assert report.missing == ("neck.fpn_convs.2.bias",)
    assert report.unknown == ("neck.fpn_convs.9.conv.bias",)
    assert dict(report.skipped)["data_preprocessor.mean"].startswith("says how images are normalised")
    assert report.misshapen == (("roi_head.bbox_head.fc_cls.weight", "(4, 1024) in the file, (81, 1024) in the model"),)
    lines = list(report.lines())
    assert "missing  neck.fpn_convs.2.bias" in lines
    assert "taken    neck.lateral_convs.0.conv.weight -> neck.lateral_convs.0.weight" in lines


def test_mmdetections_first_version_is_told():
    given = {"bbox_head.fc_cls.weight": torch.empty(81, 1024), "mask_head.upsample.bias": torch.empty(256)}
    _, report = convert(given, own=ours(MODELS["MaskRCNN"]), source="mmdetection")
    assert all("1.x" in why for _, why in report.skipped) and not report.mapped


def test_our_own_names_are_known_as_such():
    own = ours(MODELS["RetinaNet"])
    assert source_of(own, own=own) == "specdet"
    made, report = convert(own, own=own, source="specdet")
    assert report.is_complete and made.keys() == own.keys()
