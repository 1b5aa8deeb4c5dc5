"""Predictor: every kind of picture, every way to name a detector, and the way of evaluation."""

import attrs
import numpy as np
import pytest
import torch
from PIL import Image

import specdet
from specdet.inference.trained import open_trained
from specdet.spec import SpecError
from specdet.structures import Detections


@pytest.fixture(scope="module")
def predictor(trained):
    return specdet.Predictor(trained.run)


def same(one: Detections, other: Detections) -> bool:
    return torch.equal(one.boxes, other.boxes) and torch.equal(one.scores, other.scores)


def test_each_kind_of_picture_gives_the_same(predictor, trained):
    path = trained.images / "0.png"
    image = Image.open(path)
    array = np.asarray(image)
    expected = predictor(path)
    assert len(expected) > 0
    for picture in (str(path), image, array, array[:, ::-1][:, ::-1], torch.from_numpy(array.copy()).permute(2, 0, 1)):
        assert same(predictor(picture), expected)
    assert expected.names == ["object"] * len(expected)  # proposals have no classes
    assert bool((expected.scores.diff() <= 0).all())


def test_several_pictures_are_looked_at_in_batches(trained):
    paths = [trained.images / "0.png", trained.images / "1.png", trained.images / "more/2.png"]
    by_two = specdet.Predictor(trained.run, batch_size=2)
    found = by_two(paths)
    assert len(found) == 3
    for path, each in zip(paths, found, strict=True):
        torch.testing.assert_close(each.boxes, by_two(path).boxes, rtol=1e-4, atol=1e-2)
    assert by_two([]) == []
    assert len(list(by_two.stream(iter(paths)))) == 3


def test_boxes_are_in_pixels_of_the_picture(trained):
    """The transforms of validation are done, and undone for the boxes."""
    half = ["data.val_transforms.resize={ type = 'Resize', short_side = [64], long_side = 'any' }"]
    image = Image.open(trained.images / "0.png").resize((256, 256), Image.Resampling.NEAREST)
    small = specdet.Predictor(trained.run, overrides=half)
    assert small._transforms
    boxes = small(image).boxes
    assert 128 < float(boxes.max()) <= 256
    assert float(boxes.min()) >= 0


def test_what_scores_less_is_left_out(predictor, trained):
    path = trained.images / "0.png"
    everything = predictor(path)
    limit = float(everything.scores[len(everything) // 2])
    found = specdet.Predictor(trained.run, min_score=limit)(path)
    assert same(found, everything.above(limit))
    assert 0 < len(found) < len(everything)


def test_a_picture_is_turned_as_its_orientation_says(predictor, trained, tmp_path):
    upright = Image.open(trained.images / "0.png").crop((0, 0, 128, 80))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    turned = tmp_path / "turned.png"
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    expected = predictor(np.asarray(upright))
    assert same(predictor(turned), expected)
    with Image.open(turned) as image:
        assert same(predictor(image), expected)
        assert image.size == (80, 128)  # the caller's own stays as it was


def test_the_averaged_weights_are_those_that_training_evaluated(trained):
    path = trained.images / "0.png"
    auto, model, averaged = (
        specdet.Predictor(trained.run, weights=weights)(path) for weights in ("auto", "model", "ema")
    )
    assert same(auto, averaged)
    assert not same(auto, model)


def test_a_run_a_checkpoint_and_a_file_of_weights_are_opened(predictor, trained, monkeypatch):
    path = trained.images / "0.png"
    expected = predictor(path)
    monkeypatch.setenv("SPECDET_RUNS", str(trained.run.parent))
    file = trained.checkpoint / "ema.safetensors"
    for source, more in (
        ("last", {}),
        (trained.run.name, {}),
        (trained.run / "checkpoints", {}),
        (trained.checkpoint, {}),
        (str(file), {"spec": trained.run / "spec.toml"}),
        (open_trained(trained.checkpoint), {}),
    ):
        assert same(specdet.Predictor(source, **more)(path), expected)
    earlier = specdet.Predictor(trained.run / "checkpoints/iter_00000006")(path)
    assert not same(earlier, expected)


def test_classes_have_their_names(classes_weights):
    weights, spec = classes_weights
    predictor = specdet.Predictor(weights, spec=spec)
    found = predictor(np.zeros((64, 64, 3), np.uint8))
    assert predictor.class_names == found.class_names == ("ellipse", "rectangle", "triangle")
    assert len(found) == 20
    assert found.names == [predictor.class_names[label] for label in found.labels.tolist()]
    with pytest.raises(ValueError, match="nobody has named the classes"):
        _ = attrs.evolve(found, class_names=None).names


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((3, 8, 8), np.uint8), r"a \(height, width, 3\) uint8 RGB array, not one of shape \(3, 8, 8\)"),
        (np.zeros((8, 8), np.uint8), r"not one of shape \(8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), r"not one of shape \(0, 8, 3\)"),
        (np.zeros((8, 8, 3), np.float32), "with values from 0 to 255, not one of float32"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r"a \(3, height, width\) uint8 tensor, not one of shape"),
        (torch.zeros(3, 8, 8), "not one of torch.float32"),
        ([7], "not int"),
        ("nowhere.jpg", "nowhere.jpg: the image file does not exist"),
    ],
)
def test_what_is_no_picture_is_told(predictor, picture, said):
    with pytest.raises(ValueError, match=said):
        predictor(picture)


@pytest.mark.parametrize("shape", [(1, 1, 3), (16, 4000, 3), (500, 3, 3)])
def test_pictures_of_any_size_are_looked_at(predictor, shape):
    found = predictor(np.full(shape, 90, np.uint8))
    height, width = shape[:2]
    assert bool((found.boxes[:, 2] <= width).all() and (found.boxes[:, 3] <= height).all())


def test_wrong_settings_are_told(trained):
    with pytest.raises(ValueError, match="device 'gpu' cannot be used here"):
        specdet.Predictor(trained.run, device="gpu")
    with pytest.raises(ValueError, match="min_score is from 0 to 1, got 2"):
        specdet.Predictor(trained.run, min_score=2)
    with pytest.raises(ValueError, match="batch_size is at least 1, got 0"):
        specdet.Predictor(trained.run, batch_size=0)
    with pytest.raises(SpecError, match=r"model.test.nms_pots: .*did you mean 'nms_post'"):
        specdet.Predictor(trained.run, overrides=["model.test.nms_pots=3"])


def test_a_detector_that_needs_proposals_says_so(trained, tmp_path):
    spec = tmp_path / "fast.toml"
    spec.write_text(
        'extends = ["specdet:rpn.toml"]\nunset = ["eval.proposal", "hooks.checkpoint.keep_best"]\n'
        '[model]\ntype = "FastRCNN"\nbackbone = { type = "ResNet", depth = 18 }\nneck = { type = "FPN" }\n'
        '[data]\ntrain_proposals = "a.safetensors"\n'
    )
    with pytest.raises(ValueError, match=r"FastRCNN tells what is in boxes .* data.val_proposals"):
        specdet.Predictor(trained.checkpoint / "ema.safetensors", spec=spec)


def test_masks_are_of_the_picture_and_are_drawn(tmp_path):
    from safetensors.torch import save_file

    from specdet.inference.predicting import drawn

    spec = tmp_path / "masks.toml"
    spec.write_text("""
extends = ["specdet:rpn.toml"]
unset = ["eval.proposal", "hooks.checkpoint.keep_best"]
[model]
type = "MaskRCNN"
num_classes = 3
backbone = { type = "ResNet", depth = 18, base_channels = 8, norm = "GN", out_stages = [2, 3, 4] }
neck = { type = "FPN", out_channels = 16 }
rpn_head = { feat_channels = 16, anchors = { scales = [2.0] } }
roi_head.bbox_head = { type = "BBoxHead", fc_channels = 16 }
roi_head.mask_head = { type = "MaskHead", num_convs = 1, channels = 16 }
test = { roi = { min_score = 0.0, max_detections = 7 } }
""")
    torch.manual_seed(0)
    weights = tmp_path / "masks.safetensors"
    save_file(
        {name: value.contiguous() for name, value in specdet.load(spec).model.build().state_dict().items()}, weights
    )
    pixels = np.full((90, 70, 3), 90, np.uint8)
    found = specdet.Predictor(weights, spec=spec)(pixels)
    assert found.masks is not None
    assert found.masks.shape == (len(found), 90, 70) and found.masks.dtype == torch.bool
    assert len(found) == 7
    best = found.above(float(found.scores[2]))
    assert best.masks is not None and torch.equal(best.masks, found.masks[: len(best)])
    picture = drawn(pixels, found, min_score=0.0)
    assert picture.size == (420, 540)
    assert (np.asarray(picture) != 90).any()
