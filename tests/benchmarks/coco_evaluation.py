"""COCO's numbers of many detections: `python -m tests.benchmarks.coco_evaluation [--rounds 9]`.

500 images, 80 classes, 3,500 objects and 50,000 detections, made up: some lie on objects, some do not. Ours is the
evaluator of a spec, from Detections to metrics; faster-coco-eval, which ours is built on, and pycocotools are called as
their documentation says, and are given their lists of results, so that turning detections into those costs only ours.
All know the ground truth before. Their numbers must be equal to 1e-9.
"""

import argparse
import contextlib
import io
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from specdet.spec.structure import structure_component
from specdet.structures import Detections
from tests.benchmarks.side_by_side import Row, in_turns, print_rows, rows_of, seconds

IMAGES, DETECTIONS, CLASSES, OBJECTS = 500, 100, 80, 7  # detections and objects of an image
HEIGHT, WIDTH = 480, 640
OURS, FASTER, PYCOCOTOOLS = "specdet", "faster-coco-eval", "pycocotools"
TARGETS = {FASTER: 1.1}
NAMES = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR@1", "AR@10", "AR@100", "AR@100_small", "AR@100_medium", "AR@100_large"),
)


def make_world(*, images: int) -> tuple[dict[str, Any], dict[int, Detections]]:
    """The ground truth as a COCO table, and detections by image id."""
    draw = np.random.default_rng(0)
    annotations: list[dict[str, Any]] = []
    detections: dict[int, Detections] = {}
    for image in range(1, images + 1):
        corners = draw.uniform((0, 0), (WIDTH - 160, HEIGHT - 160), (OBJECTS, 2))
        boxes = np.concatenate([corners, corners + draw.uniform(8, 160, (OBJECTS, 2))], axis=1)
        labels = draw.integers(CLASSES, size=OBJECTS)
        for (left, top, right, bottom), label in zip(boxes.tolist(), labels.tolist(), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": label,
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": int(draw.random() < 0.02),
                }
            )
        place = draw.integers(OBJECTS, size=DETECTIONS)
        found = boxes[place] + draw.normal(0, 6, (DETECTIONS, 4))
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        told = np.where(draw.random(DETECTIONS) < 0.6, labels[place], draw.integers(CLASSES, size=DETECTIONS))
        scores = np.sort(draw.random(DETECTIONS))[::-1].copy()
        detections[image] = Detections(
            boxes=torch.from_numpy(found).float(),
            scores=torch.from_numpy(scores).float(),
            labels=torch.from_numpy(told),
        )
    sizes = [{"id": number, "height": HEIGHT, "width": WIDTH, "file_name": "-"} for number in range(1, images + 1)]
    categories = [{"id": number, "name": f"class {number}"} for number in range(CLASSES)]
    return {"images": sizes, "annotations": annotations, "categories": categories}, detections


def results_of(detections: Mapping[int, Detections]) -> list[dict[str, Any]]:
    """What peers are given."""
    results = []
    for image, found in detections.items():
        corners = found.boxes.double()
        boxes = torch.cat([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1).tolist()
        for box, score, label in zip(boxes, found.scores.tolist(), found.labels.tolist(), strict=True):
            results.append({"image_id": image, "category_id": label, "bbox": box, "score": score})
    return results


def theirs(truth: Any, counting: type, results: list[dict[str, Any]]) -> dict[str, float]:
    """The twelve numbers of a peer, which prints as it works."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = counting(truth, truth.loadRes([{**each} for each in results]), iouType="bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(NAMES, map(float, evaluation.stats), strict=False))


def sides(*, images: int) -> dict[str, Callable[[], dict[str, float]]]:
    """Ours and the peers, ready to count."""
    import faster_coco_eval
    from pycocotools import coco, cocoeval

    table, detections = make_world(images=images)
    evaluator = structure_component({"type": "CocoBox"}, family="evaluator").build(ground_truth=table)
    made: dict[str, Callable[[], dict[str, float]]] = {OURS: partial(evaluator.evaluate, detections)}
    kinds: tuple[tuple[str, Any, Any], ...] = (
        (FASTER, faster_coco_eval.COCO(), faster_coco_eval.COCOeval_faster),
        (PYCOCOTOOLS, coco.COCO(), cocoeval.COCOeval),
    )
    for name, truth, counting in kinds:
        truth.dataset = table  # pyright: ignore[reportAttributeAccessIssue]
        with contextlib.redirect_stdout(io.StringIO()):
            truth.createIndex()
        made[name] = partial(theirs, truth, counting, results_of(detections))
    return made


def rows(*, rounds: int = 9, images: int = IMAGES) -> Iterable[Row]:
    """A row for each peer, whose numbers are first held against ours."""
    made = sides(images=images)
    found = made[OURS]()
    for name, work in made.items():
        numbers = work()
        assert numbers.keys() == found.keys() == {*NAMES}, (name, numbers)
        assert max(abs(numbers[key] - found[key]) for key in NAMES) < 1e-9, (name, numbers, found)
    taken = in_turns({name: partial(seconds, work) for name, work in made.items()}, rounds=rounds)
    return rows_of(taken, work=f"COCO's numbers of {images * DETECTIONS} boxes", ours=OURS, targets=TARGETS)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=IMAGES)
    arguments = parser.parse_args()
    print_rows(rows(rounds=max(arguments.rounds, 2), images=arguments.images))


if __name__ == "__main__":
    main()
