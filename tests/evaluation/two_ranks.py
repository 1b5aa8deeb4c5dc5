"""What each rank of test_evaluate.py's launch does: evaluate seven images and write down what it saw.

Usage: two_ranks.py OUT_FOLDER; `OUT_FOLDER/RANK.json` is what is written.
"""

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn

from specdet.evaluation.evaluate import evaluate
from specdet.evaluation.spec import CocoBoxSpec, CocoMaskSpec, ProposalRecallSpec
from specdet.structures import Batch, Detections

IDS = [40, 10, 90, 20, 70, 50, 30]
BATCH = 3  # so that of seven images rank 0 has two batches and rank 1 has one


class Finder(nn.Module):
    """Finds in each image the box that its pixels spell, shifted by a running mean that differs over ranks."""

    def __init__(self, *, shift: float):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.norm = nn.BatchNorm1d(1)
        self.norm.running_mean.fill_(shift)
        self.norm.eval()

    def forward(self, batch: Batch) -> list[Detections]:
        assert not self.training
        found = []
        for image in batch.images:
            count = int(image[0, 0, 0]) % 3  # no detections for some images
            boxes = (
                image[:, :, 1].reshape(1, -1)[:, :4].repeat(count, 1)
                + self.norm.running_mean
                + torch.arange(count)[:, None]
            )
            labels = torch.arange(count) % 2
            boxes = boxes * self.scale
            scores = 0.9 - 0.1 * torch.arange(count)
            found.append(Detections(boxes=boxes, scores=scores, labels=labels, masks=filled(boxes)))
        return found


def filled(boxes: torch.Tensor) -> torch.Tensor:
    """(D, 200, 200) bool: all pixels of each box."""
    pixels = torch.arange(200)
    x0, y0, x1, y1 = (side[:, None] for side in boxes.unbind(1))
    rows, columns = (pixels >= y0) & (pixels < y1), (pixels >= x0) & (pixels < x1)
    return rows[:, :, None] & columns[:, None]


def corners(image_id: int) -> list[float]:
    return [float(image_id), float(image_id) / 2, image_id + 60.0, image_id + 50.0]


def ground_truth() -> dict:
    boxes = {image_id: corners(image_id) for image_id in IDS}
    return {
        "images": [{"id": image_id, "height": 200, "width": 200} for image_id in IDS],
        "annotations": [
            {
                "id": place + 1,
                "image_id": image_id,
                "category_id": 1 + place % 2,
                "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                "area": (box[2] - box[0]) * (box[3] - box[1]),
                "iscrowd": 0,
                "segmentation": [[box[0], box[1], box[2], box[1], box[2], box[3], box[0], box[3]]],
            }
            for place, (image_id, box) in enumerate(boxes.items())
        ],
        "categories": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
    }


def batch_of(ids: list[int]) -> Batch:
    images = torch.zeros(len(ids), 3, 2, 2)
    for place, image_id in enumerate(ids):
        spelled = torch.tensor([*corners(image_id), 0.0, 0.0]).reshape(3, 2)
        images[place, :, :, 1] = spelled
        images[place, 0, 0, 0] = image_id // 10
    whole = torch.full((len(ids), 2), 2)
    return Batch(images=images, sizes=whole, original_sizes=whole, image_ids=torch.tensor(ids), keys=torch.tensor(ids))


def loader_of(rank: int, world_size: int) -> list[Batch]:
    """Images rank, rank + world size, ... in batches: ranks may have different numbers of them."""
    mine = IDS[rank::world_size]
    return [batch_of(mine[start : start + BATCH]) for start in range(0, len(mine), BATCH)]


def evaluators() -> dict:
    truth = ground_truth()
    return {
        "proposal": ProposalRecallSpec(limits=(1, 10)).build(ground_truth=truth),
        "bbox": CocoBoxSpec().build(ground_truth=truth),
        "segm": CocoMaskSpec().build(ground_truth=truth),
    }


class Broken:
    """An evaluator that fails where it runs."""

    image_ids = frozenset(IDS)

    def evaluate(self, detections):
        raise KeyError("broken")


def failure_of(model, accelerator, *, loader, using) -> str:
    try:
        evaluate(model, loader, evaluators=using, accelerator=accelerator)
    except (RuntimeError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator()
    rank, world_size = accelerator.process_index, accelerator.num_processes
    model = accelerator.prepare(Finder(shift=5.0 * rank))  # rank 0's running mean is the one that counts
    loader, ticks = loader_of(rank, world_size), []
    report = {
        "world_size": world_size,
        "wrapped": type(model).__name__,
        "batches": len(loader),
        "metrics": evaluate(model, loader, evaluators=evaluators(), accelerator=accelerator, on_batch=ticks.append),
        "ticks": ticks,
        "modes": [module.training for module in accelerator.unwrap_model(model).modules()],
        "lost": failure_of(model, accelerator, loader=loader[:1], using=evaluators()),
        "doubled": failure_of(model, accelerator, loader=loader_of(0, 1), using=evaluators()),
        "broken": failure_of(model, accelerator, loader=loader, using={"broken": Broken()}),
    }
    (folder / f"{rank}.json").write_text(json.dumps(report))
    accelerator.wait_for_everyone()  # a rank that ends while another still talks to it takes that one down
    accelerator.end_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
