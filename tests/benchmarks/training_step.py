"""A training step of each detector beside torchvision's on the same work: `python -m tests.benchmarks.training_step`.

    python -m tests.benchmarks.training_step [--detectors rpn faster_rcnn ...] [--depth 50] [--size 480 640]
        [--images 2] [--boxes 10] [--device cuda] [--precision bf16] [--compile] [--pairs 9] [--memory]

Both sides start from the same weights, see the same images and boxes, and sample as many anchors and proposals. Batch
norm is frozen, and so is the first stage. Steps of both alternate in one process, so that whatever else the machine
does falls on both. Each phase ends when the device is done with it: the features are backbone and FPN, the losses are
the heads, matching and loss. torchvision's RPN leaves its proposals out, since ours makes none in training.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context
from resource import RUSAGE_SELF, getrusage
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.ops.misc import FrozenBatchNorm2d

from specdet.experiment import load
from specdet.models.detectors.build import build_detector
from specdet.models.weights.convert import to_torchvision
from specdet.spec.compose import shipped_specs
from specdet.structures import Batch, Targets
from tests.benchmarks.side_by_side import Row, compared, in_turns, print_rows
from tests.models.torchvision_weights import proposal_network, rpn_table

CLASSES = 80
PHASES = ("features", "losses", "backward", "optimizer")
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
TARGETS = {"rpn": 0.85, "faster_rcnn": 0.85}  # of the ratio; 0.95 for the others
PEAK = {"NVIDIA H100 80GB HBM3": 989e12, "NVIDIA H200": 989e12}  # operations per s in bf16, without sparsity


@attrs.frozen(kw_only=True)
class Work:
    """What a step does.

    Attributes:
        detector: One of `MAKERS`.
        depth: Of the ResNet.
        size: Height and width of all images, px.
        images: In the batch.
        boxes: In each image.
        device: Where it runs.
        precision: Of the forward pass.
        compiled: Whether both are compiled.
    """

    detector: str
    depth: int
    size: tuple[int, int]
    images: int
    boxes: int
    device: torch.device
    precision: str
    compiled: bool


def random_batch(work: Work, *, masks: bool) -> Batch:
    """Images of noise with boxes of all sizes, and masks that fill them."""
    generator = torch.Generator().manual_seed(0)
    height, width = work.size
    shape = (work.images, work.boxes)
    corners = torch.rand(*shape, 2, 2, generator=generator).sort(dim=2).values * torch.tensor([width, height])
    boxes = corners.flatten(2)
    boxes[..., 2:] = torch.maximum(boxes[..., 2:], boxes[..., :2] + 8)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    left, top, right, bottom = boxes[..., None, None].unbind(2)
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    sizes = torch.tensor([[height, width]] * work.images)
    return Batch(
        images=torch.randint(0, 256, (work.images, 3, height, width), dtype=torch.uint8, generator=generator),
        sizes=sizes,
        original_sizes=sizes,
        image_ids=torch.arange(work.images),
        keys=torch.arange(work.images) * 1_000_003,
        targets=Targets(
            boxes=boxes,
            labels=torch.randint(0, 1 if work.detector == "rpn" else CLASSES, shape, generator=generator),
            crowd=torch.zeros(shape, dtype=torch.bool),
            masks=inside.to(torch.uint8) if masks else None,
        ),
    ).to(work.device)


def pyramid(depth: int, *, layers: list[int], extra: nn.Module | None = None) -> Any:
    """torchvision's ResNet with FPN, three stages of which are trained."""
    body = resnet.__dict__[f"resnet{depth}"](norm_layer=FrozenBatchNorm2d)
    return _resnet_fpn_extractor(body, 3, returned_layers=layers, extra_blocks=extra)


def last_levels(depth: int, *, from_output: bool) -> nn.Module:
    """The two levels that one-stage detectors add."""
    return LastLevelP6P7(256 if from_output else (2048 if depth >= 50 else 512), 256)


class TorchvisionRPN(nn.Module):
    """torchvision's backbone and proposal network, without the proposals."""

    def __init__(self, depth: int):
        super().__init__()
        self.backbone = pyramid(depth, layers=[1, 2, 3, 4])
        self.rpn = proposal_network(self.backbone.out_channels)
        setattr(self.rpn, "filter_proposals", lambda *_: ([], []))  # noqa: B010  (a type checker refuses the plain assignment)
        self.transform: Any = None

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Losses, of images in 0..1."""
        batch = self.transform(images)[0]
        return self.rpn(ImageList(batch.tensors, batch.image_sizes), self.backbone(batch.tensors), targets)[1]


MAKERS: Mapping[str, Callable[[int], nn.Module]] = {
    "rpn": TorchvisionRPN,
    "faster_rcnn": lambda depth: FasterRCNN(pyramid(depth, layers=[1, 2, 3, 4]), CLASSES + 1),
    "mask_rcnn": lambda depth: MaskRCNN(pyramid(depth, layers=[1, 2, 3, 4]), CLASSES + 1),
    "retinanet": lambda depth: RetinaNet(
        pyramid(depth, layers=[2, 3, 4], extra=last_levels(depth, from_output=True)), CLASSES + 1
    ),
    "fcos": lambda depth: FCOS(
        pyramid(depth, layers=[2, 3, 4], extra=last_levels(depth, from_output=True)), CLASSES + 1
    ),
}


def ours_of(work: Work) -> nn.Module:
    """Ours, with torchvision's conventions."""
    if work.detector == "rpn":
        return build_detector(rpn_table(work.depth, norm="FrozenBN", frozen_stages=1))
    spec = load(
        shipped_specs() / f"coco/{work.detector}_r50_fpn_torchvision.toml",
        [
            f"model.backbone.depth={work.depth}",
            f"model.num_classes={CLASSES}",
            "model.backbone.norm_eps=1e-5",
            "~model.backbone.weights",
            "train.load_from=weights.safetensors",  # which nothing here loads: frozen stages want to be given weights
        ],
    )
    return build_detector(spec.model)


class Theirs(nn.Module):
    """torchvision's detector with the weights of ours: Batch in, losses out."""

    def __init__(self, theirs: nn.Module, ours: nn.Module):
        super().__init__()
        # Images come at their size; what is left of its transform is to normalise them and to put them side by side.
        from torchvision.models.detection.transform import GeneralizedRCNNTransform

        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        theirs.transform = GeneralizedRCNNTransform(1, 1, image_mean=mean, image_std=std, _skip_resize=True)
        weights, _ = to_torchvision(ours.state_dict())
        theirs.load_state_dict({name: weights[name].clone() for name in theirs.state_dict()})
        self.theirs = theirs

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses of a batch whose slots all hold a box."""
        targets = batch.targets
        assert targets is not None
        masks = [{}] * len(batch) if targets.masks is None else [{"masks": own} for own in targets.masks]
        own = zip(targets.boxes, targets.labels, masks, strict=True)
        return self.theirs(
            list(batch.images / 255), [{"boxes": boxes, "labels": labels + 1, **more} for boxes, labels, more in own]
        )


def pair(work: Work) -> tuple[nn.Module, nn.Module]:
    """Ours and torchvision's, from the same weights."""
    torch.manual_seed(0)
    ours = ours_of(work)
    return ours, Theirs(MAKERS[work.detector](work.depth), ours)


class TrainingStep:
    """Steps of one side, taken apart; the rate is so small that all steps do the same work."""

    def __init__(self, model: nn.Module, work: Work):
        self.work, self.model = work, model.to(work.device).train()
        self.batch = random_batch(work, masks=work.detector == "mask_rcnn")
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=1e-8, momentum=0.9, weight_decay=1e-4)
        dtype = PRECISIONS[work.precision]
        self.autocast = partial(torch.autocast, work.device.type, dtype=dtype) if dtype else nullcontext
        self.forward: Callable[[Batch], dict[str, Tensor]] = torch.compile(model) if work.compiled else model
        # A compiled model has no moment between features and losses.
        self.features_done = 0.0
        if not work.compiled:
            neck: Any = model.theirs.backbone if isinstance(model, Theirs) else model.neck
            neck.register_forward_hook(self._note)

    def _note(self, *_: object) -> None:
        self.features_done = self._now()

    def _now(self) -> float:
        if self.work.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def __call__(self) -> None:
        self.optimizer.zero_grad()
        with self.autocast():
            losses = self.forward(self.batch)
        torch.stack([*losses.values()]).sum().backward()
        self.optimizer.step()

    def phases(self) -> dict[str, float]:
        """Seconds of each phase of a step, and of all of it."""
        start = self._now()
        self.optimizer.zero_grad()
        with self.autocast():
            losses = self.forward(self.batch)
        forward = self._now()
        torch.stack([*losses.values()]).sum().backward()
        backward = self._now()
        self.optimizer.step()
        end = self._now()
        features = self.features_done or forward
        spans = (features - start, forward - features, backward - forward, end - backward)
        return dict(zip(PHASES, spans, strict=True))

    def whole(self) -> float:
        """Seconds of a step that is not interrupted to be measured."""
        start = self._now()
        self()
        return self._now() - start


def compare(work: Work, *, pairs: int) -> tuple[list[TrainingStep], list[list[float]], list[list[dict[str, float]]]]:
    """Both sides; of each the seconds of all its steps, and of the phases of as many others, taken in turns."""
    sides = [TrainingStep(model, work) for model in pair(work)]
    for side in sides * 2:
        side()
    times = in_turns({"ours": sides[0].whole, "theirs": sides[1].whole}, rounds=pairs)
    phases: list[list[dict[str, float]]] = [[], []]
    for _ in range(max(3, pairs // 3)):
        for side, found in zip(sides, phases, strict=True):
            found.append(side.phases())
    return sides, [times["ours"], times["theirs"]], phases


def waits(step: TrainingStep) -> int:
    """How often a step makes the host wait for a GPU."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("warn")
        step()
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing CUDA operation" in str(each.message) for each in found)


def convolution_share(step: TrainingStep) -> float:
    """The part of a step's CPU time that convolutions take, forward and backward."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        step()
    own = {event.key: event.self_cpu_time_total for event in profile.key_averages()}
    return sum(time for name, time in own.items() if "conv" in name) / sum(own.values())


def operations(step: TrainingStep) -> int:
    """Floating-point operations of matrix products and convolutions in a step."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def _peak(work: Work, which: int, out: Any) -> None:
    """In a process of its own: the most memory that a few steps take, bytes; on a CPU with all that torch takes."""
    step = TrainingStep(pair(work)[which], work)
    for _ in range(3):
        step()
    cuda = work.device.type == "cuda"
    out.send(torch.cuda.max_memory_allocated() if cuda else 1024 * getrusage(RUSAGE_SELF).ru_maxrss)


def peaks(work: Work) -> list[int]:
    """Bytes of memory that a training takes at most, ours and torchvision's."""
    found = []
    for which in (0, 1):
        here, there = get_context("spawn").Pipe()
        process = get_context("spawn").Process(target=_peak, args=(work, which, there))
        process.start()
        found.append(here.recv())
        process.join()
    return found


def rows_of_work(work: Work, *, pairs: int, memory: bool = False) -> Iterator[Row]:
    """The whole step and each of its phases; what else is asked is printed."""
    sides, times, phases = compare(work, pairs=pairs)
    name = f"{work.detector} R{work.depth} {work.size[1]}x{work.size[0]} x{work.images} {work.precision}"
    name += " compiled" if work.compiled else ""
    target = TARGETS.get(work.detector, 0.95)
    yield compared(zip(*times, strict=True), work=name, peer="torchvision", target=target)
    for phase in PHASES if not work.compiled else ():
        spans = zip(*([each[phase] for each in side] for side in phases), strict=True)
        yield compared(spans, work=f"  {phase}", peer="torchvision")
    if work.device.type == "cuda":
        print(f"  the host waits for the GPU {waits(sides[0])} times in our step, {waits(sides[1])} in torchvision's")
        peak = PEAK.get(torch.cuda.get_device_name())
        if peak and not work.compiled:
            rates = [operations(side) / statistics.median(own) for side, own in zip(sides, times, strict=True)]
            print(
                f"  of the GPU's bf16 operations ours uses {rates[0] / peak:.1%}, torchvision's {rates[1] / peak:.1%}"
            )
    elif not work.compiled:
        shares = [convolution_share(side) for side in sides]
        print(f"  convolutions take {shares[0]:.0%} of our step, {shares[1]:.0%} of torchvision's")
    if memory:
        ours, theirs = peaks(work)
        print(f"  memory at most: ours {ours / 1e6:.0f} MB, torchvision's {theirs / 1e6:.0f} MB ({ours / theirs:.2f})")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectors", nargs="+", choices=MAKERS, default=list(MAKERS))
    parser.add_argument("--depth", type=int, default=50)
    parser.add_argument("--size", type=int, nargs=2, default=(480, 640), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--boxes", type=int, default=10)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory", action="store_true", help="measure the memory of both as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for detector in arguments.detectors:
        work = Work(
            detector=detector,
            depth=arguments.depth,
            size=tuple(arguments.size),
            images=arguments.images,
            boxes=arguments.boxes,
            device=arguments.device,
            precision=arguments.precision,
            compiled=arguments.compile,
        )
        print_rows(rows_of_work(work, pairs=arguments.pairs, memory=arguments.memory))


if __name__ == "__main__":
    main()
