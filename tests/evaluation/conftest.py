"""Made-up data sets: ground truth as COCO tables, and detections that find some of it."""

import numpy as np
import pytest
import torch

from specdet.structures import Detections


def coco_table(*, images, annotations, category_ids=(3, 1, 7)):
    return {
        "images": [{"id": image_id, "height": 480, "width": 640} for image_id in images],
        "annotations": annotations,
        "categories": [{"id": each, "name": f"class{each}"} for each in category_ids],
    }


class World:
    """A random ground truth and detections: jittered objects, duplicates, false alarms, crowds, empty images."""

    def __init__(self, seed, *, images=12, category_ids=(3, 1, 7), crowd=0.1, alarms=20):
        random = np.random.default_rng(seed)
        ids = [int(each) for each in random.choice(1000, images, replace=False)]
        annotations, self.detections = [], {}
        for place, image_id in enumerate(ids):
            corner, size = random.uniform(0, 400, (9, 2)), np.exp(random.uniform(1.5, 5.5, (9, 2)))
            count = 0 if place == 0 else int(random.integers(0, 9))
            boxes = np.concatenate([corner, size], axis=1)
            labels = random.integers(0, len(category_ids), 9)
            for box, label in zip(boxes[:count], labels[:count], strict=True):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": category_ids[label],
                        "bbox": box.tolist(),
                        "area": float(box[2] * box[3] * random.uniform(0.5, 1)),
                        "iscrowd": int(random.random() < crowd),
                        "segmentation": [],
                    }
                )
            found = boxes[random.integers(0, 9, alarms)]
            found = found + np.tile(found[:, 2:], 2) * random.uniform(
                -0.15, 0.15, (alarms, 4)
            )  # off by shares of the size
            found = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)
            scores = np.sort(random.choice(20, alarms) / 20)[::-1]  # with ties
            kept = 0 if place == 1 else alarms
            self.detections[image_id] = Detections(
                boxes=torch.tensor(found[:kept], dtype=torch.float32),
                scores=torch.tensor(scores[:kept].copy(), dtype=torch.float32),
                labels=torch.tensor(random.integers(0, len(category_ids), kept)),
            )
        self.ground_truth = coco_table(images=ids, annotations=annotations, category_ids=category_ids)

    def results(self, *, one_class=False):
        """The detections as pycocotools reads them."""
        ids = [category["id"] for category in self.ground_truth["categories"]]
        return [
            {
                "image_id": image_id,
                "category_id": ids[0] if one_class else ids[label],
                "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                "score": score,
            }
            for image_id, found in self.detections.items()
            for box, score, label in zip(
                found.boxes.double().tolist(), found.scores.double().tolist(), found.labels.tolist(), strict=True
            )
        ]


@pytest.fixture
def make_world():
    return World


@pytest.fixture
def make_table():
    return coco_table


@pytest.fixture
def pycocotools_counts():
    """pycocotools' own `eval` arrays: counts(world, limits=..., class_agnostic=...)."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def counts(world, *, limits, class_agnostic):
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = world.ground_truth
            truth.createIndex()
            counting = COCOeval(truth, truth.loadRes(world.results(one_class=class_agnostic)), "bbox")
            counting.params.useCats = int(not class_agnostic)
            counting.params.maxDets = list(limits)
            counting.evaluate()
            counting.accumulate()
        return counting

    return counts
