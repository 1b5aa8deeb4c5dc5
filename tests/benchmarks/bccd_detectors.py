"""Detectors on real blood cells: ours beside torchvision's, from the same weights, on the same batches.

    python -m tests.benchmarks.bccd_detectors --data /path/to/bccd [--detectors retinanet fcos] [--seeds 3]
        [--epochs 12] [--jobs 2] [--picture curves.png]

Both sides train what a spec under `specs/bccd/` describes, for fewer epochs: the same shape, optimizer, schedule, order
of images and number of steps. torchvision's side is its own detector, with its anchors, matching, sampling, losses and
choice of detections. The average precision of both is counted by the same evaluator on the validation split. A picture
as .png or .svg wants the package vl-convert-python.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import attrs
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection._utils import retrieve_out_channels
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteFeatureExtractorMobileNet, SSDLiteHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.models.mobilenetv3 import mobilenet_v3_large
from torchvision.models.resnet import resnet18
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from specdet.data.build import build_dataset
from specdet.data.loader import build_dataloader
from specdet.evaluation.evaluate import evaluate
from specdet.experiment import Experiment, load
from specdet.experiment_classes import with_classes
from specdet.models.detectors.build import build_detector
from specdet.models.weights.convert import to_torchvision
from specdet.optim.build import build_optimizer
from specdet.spec.compose import shipped_specs
from specdet.structures import Batch, Detections

Curve = list[tuple[int, float]]  # epochs done, AP


def faster_rcnn(spec: Any, num_classes: int) -> nn.Module:
    """torchvision's Faster R-CNN in the shape of `spec`."""
    channels, hidden = spec.neck.out_channels, spec.roi_head.bbox_head.fc_channels
    sampler, proposals, test = spec.train.roi.sampler, spec.train.proposals, spec.test
    return FasterRCNN(
        _pyramid(spec, stages=(1, 2, 3, 4)),
        box_head=TwoMLPHead(channels * 7**2, hidden),
        box_predictor=FastRCNNPredictor(hidden, num_classes + 1),
        box_batch_size_per_image=sampler.num,
        box_positive_fraction=sampler.pos_fraction,
        rpn_pre_nms_top_n_train=proposals.nms_pre,
        rpn_post_nms_top_n_train=proposals.nms_post,
        rpn_pre_nms_top_n_test=test.rpn.nms_pre,
        rpn_post_nms_top_n_test=test.rpn.nms_post,
    )


def retinanet(spec: Any, num_classes: int) -> nn.Module:
    """torchvision's RetinaNet in the shape of `spec`."""
    channels = spec.neck.out_channels
    backbone = _pyramid(spec, stages=(2, 3, 4), extra=LastLevelP6P7(512, channels))
    head = RetinaNetHead(channels, 9, num_classes + 1, norm_layer=lambda width: nn.GroupNorm(32, width))
    return RetinaNet(backbone, num_classes + 1, head=head, detections_per_img=spec.test.max_detections)


def fcos(spec: Any, num_classes: int) -> nn.Module:
    """torchvision's FCOS in the shape of `spec`."""
    channels = spec.neck.out_channels
    backbone = _pyramid(spec, stages=(2, 3, 4), extra=LastLevelP6P7(channels, channels))
    head = FCOSHead(channels, 1, num_classes + 1, num_convs=spec.bbox_head.num_convs)
    return FCOS(backbone, num_classes + 1, head=head)


def ssdlite(spec: Any, num_classes: int) -> nn.Module:
    """torchvision's SSDLite in the shape of `spec`."""
    size, anchors, test = 320, spec.bbox_head.anchors, spec.test
    norm = partial(nn.BatchNorm2d, eps=spec.backbone.norm_eps, momentum=spec.backbone.norm_momentum)
    width = spec.backbone.width
    blocks = mobilenet_v3_large(norm_layer=norm, reduced_tail=spec.backbone.reduced_tail, width_mult=width).features
    last_but_one = max(place for place, block in enumerate(blocks) if getattr(block, "_is_cn", False))
    backbone = SSDLiteFeatureExtractorMobileNet(blocks, last_but_one, norm, width)
    generator = DefaultBoxGenerator(
        [list(ratios) for ratios in anchors.ratios], min_ratio=anchors.min_scale, max_ratio=anchors.max_scale
    )
    channels, shapes = retrieve_out_channels(backbone, (size, size)), generator.num_anchors_per_location()
    return SSD(
        backbone,
        generator,
        (size, size),
        num_classes + 1,
        head=SSDLiteHead(channels, shapes, num_classes + 1, norm),
        score_thresh=test.min_score,
        nms_thresh=test.nms_iou,
        detections_per_img=test.max_detections,
        topk_candidates=test.nms_pre,
    )


def _pyramid(spec: Any, *, stages: Sequence[int], extra: nn.Module | None = None) -> nn.Module:
    layers = {f"layer{stage}": str(place) for place, stage in enumerate(stages)}
    return BackboneWithFPN(
        resnet18(), layers, list(spec.backbone.out_channels), spec.neck.out_channels, extra_blocks=extra
    )


@attrs.frozen(kw_only=True)
class Comparison:
    """How a detector is compared with torchvision's.

    Attributes:
        make: Makes torchvision's detector in the shape of our spec, for so many classes.
        changes: What our spec has to say for both to have the same layers.
        epochs: How long both train, unless told otherwise.
    """

    make: Callable[[Any, int], nn.Module]
    changes: tuple[str, ...] = ()
    epochs: int


PEERS: Mapping[str, Comparison] = {
    "faster_rcnn": Comparison(make=faster_rcnn, epochs=5),
    "retinanet": Comparison(
        make=retinanet, changes=("model.bbox_head.num_convs=4", "model.neck.relu_before_extra=true"), epochs=3
    ),
    "fcos": Comparison(
        make=fcos, changes=("model.bbox_head.scale_per_level=false", "model.bbox_head.conv_bias=true"), epochs=3
    ),
    "ssdlite": Comparison(
        make=ssdlite,
        changes=tuple(
            f"model.{part}.{key}"
            for part in ("backbone", "neck", "bbox_head")
            for key in ("norm_eps=1e-3", "norm_momentum=0.1")
        ),
        epochs=12,
    ),
}


class Peer(nn.Module):
    """torchvision's detector as one of ours: Batch in, losses or Detections out.

    Args:
        theirs: torchvision's, in the shape of `ours`, whose weights are copied into it.
        ours: The detector whose first weights and normalisation of images it takes.
    """

    def __init__(self, theirs: nn.Module, *, ours: nn.Module):
        super().__init__()
        mean, std = ([value / 255 for value in each] for each in (ours.spec.preprocess.mean, ours.spec.preprocess.std))
        theirs.transform = GeneralizedRCNNTransform(1, 1, image_mean=mean, image_std=std, _skip_resize=True)
        weights, _ = to_torchvision(ours.state_dict())
        own = theirs.state_dict()
        assert weights.keys() >= own.keys(), sorted(own.keys() - weights.keys())
        theirs.load_state_dict({name: weights[name].clone() for name in own})
        self.theirs = theirs

    def forward(self, batch: Batch) -> dict[str, Tensor] | list[Detections]:
        """Losses in train mode, detections in eval mode."""
        images = [image[:, :h, :w] / 255 for image, (h, w) in zip(batch.images, batch.sizes.tolist(), strict=True)]
        if self.training:
            assert batch.targets is not None
            rows = zip(batch.targets.boxes, batch.targets.labels, batch.targets.valid, strict=True)
            return self.theirs(images, [{"boxes": box[used], "labels": label[used] + 1} for box, label, used in rows])
        self.theirs.transform.train()  # in evaluation it resizes whatever it is told
        zoom = (batch.original_sizes / batch.sizes).flip(1).repeat(1, 2)
        return [
            Detections(boxes=found["boxes"] * factor, scores=found["scores"], labels=found["labels"] - 1)
            for found, factor in zip(self.theirs(images), zoom, strict=True)
        ]


def curve(model: nn.Module, experiment: Experiment, *, seed: int, every: int, accelerator: Accelerator) -> Curve:
    """Train `model` as the spec says; its AP on the validation split after every so many epochs, and at the end."""
    data, epochs = experiment.data, experiment.train.max_epochs
    assert epochs is not None and data.val is not None
    train = build_dataset(data.train, transforms=data.train_transforms, seed=seed, training=True)
    val = build_dataset(data.val, transforms=data.val_transforms, seed=seed, training=False)
    common: dict[str, Any] = {"images_per_device": data.images_per_device, "workers": 0, "seed": seed}
    loader = build_dataloader(train, training=True, group_by_aspect=data.group_by_aspect, **common)
    evaluators = {"bbox": experiment.eval["bbox"].build(ground_truth=val.ground_truth())}
    optimizer = build_optimizer(model, experiment.optimizer)
    schedule = experiment.schedule.build()
    iteration, found = 0, []
    for epoch in range(epochs):
        model.train()
        loader.batch_sampler.seek(epoch=epoch)
        for batch in loader:
            factor = schedule.factor(iter=iteration, iters_per_epoch=len(loader), max_iters=epochs * len(loader))
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            optimizer.zero_grad()
            sum(model(batch.to(accelerator.device)).values()).backward()
            optimizer.step()
            iteration += 1
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            metrics = evaluate(
                model, build_dataloader(val, training=False, **common), evaluators=evaluators, accelerator=accelerator
            )
            found.append((epoch + 1, metrics["bbox/AP"]))
    return found


def train_both(detector: str, seed: int, arguments: argparse.Namespace) -> dict[str, Curve]:
    """The curves of both sides from one seed."""
    torch.set_num_threads(arguments.threads)
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    peer = PEERS[detector]
    length = f"train.max_epochs={arguments.epochs or peer.epochs}"
    given = [f"data.root={arguments.data}", *peer.changes, length, *arguments.set]
    experiment = load(shipped_specs() / f"bccd/{detector}.toml", given)
    classes = build_dataset(experiment.data.train, transforms={}, seed=0, training=True).classes
    experiment = with_classes(experiment, len(classes))
    torch.manual_seed(seed)
    ours = build_detector(experiment.model)
    theirs = Peer(peer.make(experiment.model, len(classes)), ours=ours)
    curves = {}
    for side, model in (("torchvision", theirs), ("specdet", ours)):
        start = time.perf_counter()
        model.to(accelerator.device)
        curves[side] = curve(model, experiment, seed=seed, every=arguments.every, accelerator=accelerator)
        shown = "  ".join(f"{epoch}: {value:.4f}" for epoch, value in curves[side])
        print(f"{detector}  seed {seed}  {side:12}{shown}  ({time.perf_counter() - start:.0f} s)", flush=True)
    return curves


def summary(detector: str, curves: Mapping[str, Sequence[Curve]]) -> list[str]:
    """The AP that both sides end with, and how far they are apart."""
    last = {side: [run[-1][1] for run in runs] for side, runs in curves.items()}
    means = {side: statistics.mean(values) for side, values in last.items()}
    lines = [f"{detector}  {side:12}mean AP {means[side]:.4f}  from {min(values):.4f} to {max(values):.4f}"
             for side, values in last.items()]  # fmt: skip
    return [*lines, f"{detector}  difference  {means['specdet'] - means['torchvision']:+.4f}"]


def draw(curves: Mapping[str, Mapping[str, Sequence[Curve]]], path: Path) -> None:
    """A picture of all curves: a panel a detector, a line a seed."""
    import altair as alt

    rows = [
        {"detector": detector, "by": side, "seed": f"{side} {seed}", "epoch": epoch, "AP": value}
        for detector, sides in curves.items()
        for side, runs in sides.items()
        for seed, run in enumerate(runs)
        for epoch, value in run
    ]
    line = alt.Chart(alt.Data(values=rows)).mark_line(point=True)
    chart = line.encode(x="epoch:Q", y="AP:Q", color="by:N", detail="seed:N").properties(width=260, height=200)
    chart.facet(column="detector:N").save(path)


def main() -> None:
    """Train both for each detector and seed; print the curves, their means and their difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the BCCD folder")
    parser.add_argument("--detectors", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="instead of each comparison's own")
    parser.add_argument("--jobs", type=int, default=1, help="how many seeds and detectors train side by side")
    parser.add_argument("--threads", type=int, default=1, help="how many threads each of them computes with")
    parser.add_argument("--every", type=int, default=1, help="epochs between two points of a curve")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="further changes of the specs")
    parser.add_argument("--picture", type=Path, help="where to draw the curves: .html, or .png")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        asked = {
            detector: [pool.submit(train_both, detector, seed, arguments) for seed in range(arguments.seeds)]
            for detector in arguments.detectors
        }
        curves: dict[str, dict[str, list[Curve]]] = {}
        for detector, seeds in asked.items():
            found = [each.result() for each in seeds]
            curves[detector] = {side: [each[side] for each in found] for side in found[0]}
            print("\n".join(summary(detector, curves[detector])), flush=True)
    if arguments.picture:
        draw(curves, arguments.picture)


if __name__ == "__main__":
    main()
