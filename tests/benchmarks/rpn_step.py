"""One training step of RPN R50-FPN beside torchvision's on the same work: `python -m tests.benchmarks.rpn_step`.

Forward, losses, backward and a step of SGD at 640 x 480, two images with ten boxes each, from the same weights, with
frozen batch norm and one frozen stage. Steps of both alternate in one process, so that whatever else the machine does
falls on both. torchvision's proposals, which ours does not make in training, are left out of its step.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.image_list import ImageList

from specdet.models.detectors.build import build_detector
from specdet.structures import Batch, Targets
from tests.models.torchvision_weights import proposal_network, renamed_weights, rpn_table

HEIGHT, WIDTH, IMAGES, BOXES = 480, 640, 2, 10


def random_batch(device: torch.device) -> Batch:
    """Images of noise with boxes of all sizes."""
    generator = torch.Generator().manual_seed(0)
    extent = torch.tensor([WIDTH, HEIGHT])
    corners = torch.rand(IMAGES, BOXES, 2, 2, generator=generator).sort(dim=2).values * extent
    boxes = corners.flatten(2)
    boxes[..., 2:] = torch.maximum(boxes[..., 2:], boxes[..., :2] + 8)
    sizes = torch.tensor([[HEIGHT, WIDTH]] * IMAGES)
    targets = Targets(
        boxes=boxes,
        labels=torch.zeros(IMAGES, BOXES, dtype=torch.int64),
        crowd=torch.zeros(IMAGES, BOXES, dtype=torch.bool),
    )
    return Batch(
        images=torch.randint(0, 256, (IMAGES, 3, HEIGHT, WIDTH), dtype=torch.uint8, generator=generator),
        sizes=sizes,
        original_sizes=sizes,
        image_ids=torch.arange(IMAGES),
        keys=torch.arange(IMAGES) * 1_000_003,
        targets=targets,
    ).to(device)


class TorchvisionRPN(nn.Module):
    """torchvision's backbone and proposal network, without the proposals."""

    def __init__(self):
        super().__init__()
        self.backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=3)
        self.rpn = proposal_network(self.backbone.out_channels)
        self.rpn.filter_proposals = lambda *_: ([], [])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of the same batch."""
        assert batch.targets is not None
        images = (batch.images / 255 - self.mean) / self.std
        features = self.backbone(images)
        sizes = [(HEIGHT, WIDTH)] * len(batch)
        targets = [{"boxes": boxes} for boxes in batch.targets.boxes]
        return self.rpn(ImageList(images, sizes), features, targets)[1]


def specdet_rpn(theirs: TorchvisionRPN) -> nn.Module:
    """Ours, with the conventions and the weights of torchvision's."""
    ours = build_detector(rpn_table(50, norm="FrozenBN", frozen_stages=1))
    weights = {name: value for name, value in theirs.state_dict().items() if name not in ("mean", "std")}
    ours.load_state_dict(renamed_weights(weights))
    return ours


def timed(step: Callable[[], None], device: torch.device) -> float:
    """Seconds of one step, the device's queue included."""
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def step_of(model: nn.Module, batch: Batch) -> Callable[[], None]:
    """One training step; the rate is so small that all steps do the same work."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1e-6, momentum=0.9, weight_decay=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        sum(model(batch).values()).backward()
        optimizer.step()

    return step


def compare(*, pairs: int, device: torch.device) -> tuple[list[float], list[float]]:
    """Seconds of each of our steps, and of each of torchvision's, taken in turns."""
    torch.manual_seed(0)
    batch = random_batch(device)
    theirs = TorchvisionRPN()
    steps = [step_of(model.to(device).train(), batch) for model in (specdet_rpn(theirs), theirs)]
    for step in steps * 2:
        step()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            times[which].append(timed(steps[which], device))
    return times


def main() -> None:
    """Print the medians, the ratio with its spread over pairs, and what a busy machine disturbs least: the fastest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ours, theirs = compare(pairs=arguments.pairs, device=arguments.device)
    ratios = sorted(mine / its for mine, its in zip(ours, theirs, strict=True))
    low, _, high = statistics.quantiles(ratios, n=4)
    print(f"specdet      median {statistics.median(ours):.4f} s, fastest {min(ours):.4f} s")
    print(f"torchvision  median {statistics.median(theirs):.4f} s, fastest {min(theirs):.4f} s")
    print(
        f"ratio        median {statistics.median(ratios):.3f} (quartiles {low:.3f} to {high:.3f}, {len(ratios)} pairs)"
    )
    print(f"             of the fastest {min(ours) / min(theirs):.3f}")


if __name__ == "__main__":
    main()
