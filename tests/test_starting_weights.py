"""What a training starts from: files of ours and of others, and data with other classes."""

import logging
import re
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from specdet.models.detectors.build import build_detector
from specdet.runner.spec import TrainSpec
from specdet.spec import Published
from specdet.starting_weights import class_dependent, read_weights, start_from
from tests.models.weights.serving import serving

SMALL: dict[str, Any] = {
    "backbone": {"type": "ResNet", "depth": 18, "base_channels": 8},
    "neck": {"type": "FPN", "out_channels": 8, "extra_levels": 1},
}
DENSE: dict[str, Any] = {
    "backbone": {**SMALL["backbone"], "out_stages": [2, 3, 4]},
    "neck": {"type": "FPN", "out_channels": 8, "extra_levels": 2, "extra_from": "output"},
    "bbox_head": {"feat_channels": 8, "num_convs": 1},
}
ROI = {"bbox_head": {"fc_channels": 8}}
DETECTORS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "FasterRCNN": ({**SMALL, "rpn_head": {"feat_channels": 8}, "roi_head": ROI}, {"fc_cls", "fc_reg"}),
    "MaskRCNN": (
        {**SMALL, "rpn_head": {"feat_channels": 8}, "roi_head": {**ROI, "mask_head": {"channels": 8}}},
        {"fc_cls", "fc_reg", "conv_logits"},
    ),
    "RetinaNet": (DENSE, {"retina_cls"}),
    "ATSS": (DENSE, {"atss_cls"}),
    "FCOS": (DENSE, {"conv_cls"}),
}


def detector(name: str, classes: int, **more: Any):
    return build_detector({"type": name, "num_classes": classes, **DETECTORS[name][0], **more})


@pytest.mark.parametrize("name", [*DETECTORS])
def test_layers_that_depend_on_the_classes_start_anew_and_no_others(name, tmp_path, caplog):
    trained, model = detector(name, 5), detector(name, 3)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(1.0)
    before = {key: each.clone() for key, each in model.state_dict().items()}
    save_file(trained.state_dict(), tmp_path / "w.safetensors")
    with caplog.at_level(logging.INFO):
        fitted = start_from(model, TrainSpec(load_from=tmp_path / "w.safetensors"), logger=logging.getLogger("specdet"))
    assert {key.split(".")[-2] for key in fitted.anew} == DETECTORS[name][1]
    for key, value in model.state_dict().items():
        expected = before[key] if key in fitted.anew else trained.state_dict()[key]
        assert torch.equal(value, expected), key
    assert f"starts anew, as it depends on the classes: {', '.join(fitted.anew)}" in caplog.text


def test_one_box_for_all_classes_does_not_depend_on_them():
    model = detector("FasterRCNN", 3, roi_head={"bbox_head": {"fc_channels": 8, "class_agnostic": True}})
    assert {key.split(".")[-2] for key in class_dependent(model.spec)} == {"fc_cls"}


def test_the_same_number_of_classes_is_kept_unless_told_otherwise(tmp_path):
    trained = detector("RetinaNet", 3)
    save_file(trained.state_dict(), tmp_path / "w.safetensors")
    for how, anew in (("fit", 0), ("keep", 0), ("reset", 2)):
        model = detector("RetinaNet", 3)
        torch.nn.init.ones_(model.bbox_head.retina_cls.weight)
        settings = TrainSpec(load_from=tmp_path / "w.safetensors", load_classes=how)
        assert len(start_from(model, settings, logger=logging.getLogger("specdet")).anew) == anew
        assert (model.bbox_head.retina_cls.weight == 1).all() == bool(anew)


def test_another_number_is_an_error_where_classes_are_to_be_kept(tmp_path):
    save_file(detector("RetinaNet", 5).state_dict(), tmp_path / "w.safetensors")
    settings = TrainSpec(load_from=tmp_path / "w.safetensors", load_classes="keep")
    with pytest.raises(ValueError, match=r"other shape: .*retina_cls\.weight \(\(45, 8, 3, 3\) in the file, \(27, 8"):
        start_from(detector("RetinaNet", 3), settings, logger=logging.getLogger("specdet"))


def test_what_else_does_not_fit_is_an_error_unless_that_is_fine(tmp_path, caplog):
    state = detector("FasterRCNN", 3).state_dict()
    save_file({**state, "extra.weight": torch.zeros(1)}, tmp_path / "w.safetensors")
    model = detector("MaskRCNN", 3)
    with pytest.raises(ValueError, match=r"missing: roi_head\.mask_head.*; not in the model: extra\.w.*load_strict"):
        start_from(model, TrainSpec(load_from=tmp_path / "w.safetensors"), logger=logging.getLogger("specdet"))
    settings = TrainSpec(load_from=tmp_path / "w.safetensors", load_strict=False)
    with caplog.at_level(logging.WARNING):
        start_from(model, settings, logger=logging.getLogger("specdet"))
    assert "left as initialised: roi_head.mask_head" in caplog.text
    assert "of no use to this model: extra.weight" in caplog.text
    assert torch.equal(model.neck.fpn_convs[0].weight, state["neck.fpn_convs.0.weight"])


def test_a_file_of_something_else_is_refused_however_loose(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    settings = TrainSpec(load_from=tmp_path / "w.safetensors", load_strict=False)
    with pytest.raises(ValueError, match="nothing of it fits"):
        start_from(detector("RetinaNet", 3), settings, logger=logging.getLogger("specdet"))


def test_a_file_of_mmdetection_at_an_address_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    trained, model = detector("RetinaNet", 3), detector("RetinaNet", 3)
    theirs = {
        re.sub(r"((?:lateral|fpn|cls|reg)_convs\.\d+)\.", r"\1.conv.", key): each
        for key, each in trained.state_dict().items()
    }
    torch.save({"state_dict": theirs, "meta": {}}, tmp_path / "w.pth")
    with serving((tmp_path / "w.pth").read_bytes()) as served:
        settings = TrainSpec(load_from=Published(f"{served.address}/w.pth"))
        fitted = start_from(model, settings, logger=logging.getLogger("specdet"))
    assert fitted.report.source == "mmdetection" and not fitted.anew
    for key, value in model.state_dict().items():
        assert torch.equal(value, trained.state_dict()[key]), key


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist: give a checkpoint folder"):
        read_weights(tmp_path / "none.pth")
