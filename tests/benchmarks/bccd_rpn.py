"""Proposals on real blood cells: our RPN beside torchvision's, from the same weights, on the same batches.

    python -m tests.benchmarks.bccd_rpn --data /path/to/bccd [--seeds 3] [--epochs 8]

Both train what `specs/bccd/rpn.toml` describes: the same architecture, optimizer, schedule, order of images and number
of steps. torchvision's side is its own `RegionProposalNetwork`, with its matcher, sampler, losses and proposals. The
recall of both is counted by the same evaluator on the validation split.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.resnet import resnet18

from specdet.data.build import build_dataset
from specdet.data.loader import build_dataloader
from specdet.evaluation.evaluate import evaluate
from specdet.experiment import Experiment, load
from specdet.models.detectors.build import build_detector
from specdet.optim.build import build_optimizer
from specdet.spec.compose import shipped_specs
from specdet.structures import Batch, Detections
from tests.models.torchvision_weights import ours_of, proposal_network

LIMITS = (100, 300, 1000)


class Peer(nn.Module):
    """torchvision's ResNet-18, FPN and RPN as one of our detectors: Batch in, losses or Detections out.

    Args:
        ours: The detector whose shape and first weights it takes; they are copied.
    """

    def __init__(self, ours: nn.Module):
        super().__init__()
        channels = ours.spec.neck.out_channels
        self.preprocess = ours.preprocess
        layers = {f"layer{stage}": str(stage - 1) for stage in (1, 2, 3, 4)}
        self.backbone = BackboneWithFPN(resnet18(), layers, list(ours.backbone.out_channels), channels)
        self.rpn = proposal_network(channels)
        weights = ours.state_dict()
        self.load_state_dict({name: weights[ours_of(name)].clone() for name in self.state_dict()})

    def forward(self, batch: Batch) -> dict[str, Tensor] | list[Detections]:
        """Losses in train mode, proposals in eval mode."""
        images = self.preprocess(batch.images, sizes=batch.sizes)
        targets = None
        if self.training:
            assert batch.targets is not None
            pairs = zip(batch.targets.boxes, batch.targets.valid, strict=True)
            targets = [{"boxes": boxes[used]} for boxes, used in pairs]
        scores: list[Tensor] = []
        select = RegionProposalNetwork.filter_proposals

        def keep_scores(*arguments: Any) -> Any:
            boxes, found = select(self.rpn, *arguments)
            scores.extend(found)
            return boxes, found

        self.rpn.filter_proposals = keep_scores  # forward itself gives boxes without scores
        sizes = [(height, width) for height, width in batch.sizes.tolist()]
        boxes, losses = self.rpn(ImageList(images, sizes), self.backbone(images), targets)
        if self.training:
            return losses
        zoom = (batch.original_sizes / batch.sizes).flip(1).repeat(1, 2)
        return [
            Detections(boxes=found * factor, scores=score, labels=torch.zeros(len(found), dtype=torch.int64))
            for found, score, factor in zip(boxes, scores, zoom, strict=True)
        ]


def train_one(model: nn.Module, experiment: Experiment, *, seed: int, accelerator: Accelerator) -> dict[str, float]:
    """Train `model` as the spec says, and give its metrics on the validation split."""
    data = experiment.data
    train, val = (
        build_dataset(each, transforms=transforms, seed=seed, training=each is data.train)
        for each, transforms in ((data.train, data.train_transforms), (data.val, data.val_transforms))
    )
    common: dict[str, Any] = {"images_per_device": data.images_per_device, "workers": 0, "seed": seed}
    loader = build_dataloader(train, training=True, group_by_aspect=data.group_by_aspect, **common)
    optimizer = build_optimizer(model, experiment.optimizer)
    schedule = experiment.schedule.build()
    assert experiment.train.max_epochs is not None
    total = experiment.train.max_epochs * len(loader)
    iteration = 0
    model.train()
    for epoch in range(experiment.train.max_epochs):
        loader.batch_sampler.seek(epoch=epoch)
        for batch in loader:
            factor = schedule.factor(iter=iteration, iters_per_epoch=len(loader), max_iters=total)
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
            optimizer.zero_grad()
            sum(model(batch).values()).backward()
            optimizer.step()
            iteration += 1
    evaluators = {"proposal": experiment.eval["proposal"].build(ground_truth=val.ground_truth())}
    return evaluate(
        model, build_dataloader(val, training=False, **common), evaluators=evaluators, accelerator=accelerator
    )


def main() -> None:
    """Train both for each seed, and print recalls, their means and their spreads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the BCCD folder")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="instead of the spec's")
    arguments = parser.parse_args()
    overrides = [f"data.root={arguments.data}"] + ([f"train.max_epochs={arguments.epochs}"] if arguments.epochs else [])
    experiment = load(shipped_specs() / "bccd/rpn.toml", overrides)
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    recalls: dict[str, list[list[float]]] = {"specdet": [], "torchvision": []}
    for seed in range(arguments.seeds):
        torch.manual_seed(seed)
        ours = build_detector(experiment.model)
        for name, model in (("torchvision", Peer(ours)), ("specdet", ours)):
            start = time.perf_counter()
            metrics = train_one(model.to(accelerator.device), experiment, seed=seed, accelerator=accelerator)
            recalls[name].append([metrics[f"proposal/AR@{limit}"] for limit in LIMITS])
            shown = "  ".join(f"AR@{limit} {value:.4f}" for limit, value in zip(LIMITS, recalls[name][-1], strict=True))
            print(f"seed {seed}  {name:12}{shown}  ({time.perf_counter() - start:.0f} s)", flush=True)
    for place, limit in enumerate(LIMITS):
        means = {}
        for name, rows in recalls.items():
            values = [row[place] for row in rows]
            means[name] = statistics.mean(values)
            print(f"AR@{limit:<5}{name:12}mean {means[name]:.4f}  from {min(values):.4f} to {max(values):.4f}")
        print(f"AR@{limit:<5}{'difference':12}{means['specdet'] - means['torchvision']:+.4f}")


if __name__ == "__main__":
    main()
