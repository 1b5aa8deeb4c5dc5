import contextlib
import io

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import nn

from specdet.evaluation.evaluate import evaluate
from specdet.evaluation.gather import PackedDetections, gather
from specdet.evaluation.spec import CocoBoxSpec, CocoMaskSpec
from specdet.masks import rle
from specdet.structures import Batch, Detections
from tests.evaluation.conftest import coco_table

# pycocotools has not yet followed numpy 2's protocol
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEIGHT, WIDTH = 120, 160
AREAS = ("small", "medium", "large")
NAMES = ("AP", "AP50", "AP75", *(f"AP_{area}" for area in AREAS), "AR@1", "AR@10", "AR@100",
         *(f"AR@100_{area}" for area in AREAS))  # fmt: skip


def ellipse(random, *, near=None) -> tuple[np.ndarray, tuple]:
    """A mask, and what it was drawn from; `near` gives one that overlaps another."""
    if near is None:
        centre, radii = random.uniform((0, 0), (HEIGHT, WIDTH)), np.exp(random.uniform(1.2, 4.2, 2))
    else:
        centre, radii = near[0] + random.uniform(-0.2, 0.2, 2) * near[1], near[1] * random.uniform(0.8, 1.25, 2)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return ((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 <= 1, (centre, radii)


def box_of(mask: np.ndarray) -> list[float]:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return [0.0, 0.0, 1.0, 1.0]
    return [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)]


class MaskWorld:
    """Ground truth in all three forms of COCO, with crowds, and detections some of which overlap it."""

    def __init__(self, seed: int, *, images: int = 10, classes: tuple[int, ...] = (3, 1, 7)):
        random = np.random.default_rng(seed)
        annotations, self.detections = [], {}
        for image_id in range(1, images + 1):
            drawn = [ellipse(random) for _ in range(6)]
            drawn = [each for each in drawn if each[0].sum() > 8]
            for mask, _ in drawn[: int(random.integers(0, len(drawn) + 1))]:
                x0, y0, x1, y1 = box_of(mask)
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": int(random.choice(classes)),
                        "bbox": [x0, y0, x1 - x0, y1 - y0],
                        "area": float(mask.sum()),
                        "iscrowd": int(random.random() < 0.1),
                        "segmentation": self.written(mask, form=len(annotations) % 3),
                    }
                )
            found = [ellipse(random, near=drawn[int(random.integers(len(drawn)))][1])[0] for _ in range(15)]
            self.detections[image_id] = Detections(
                boxes=torch.tensor([box_of(mask) for mask in found]),
                scores=torch.tensor(np.sort(random.choice(20, 15) / 20)[::-1].copy(), dtype=torch.float32),
                labels=torch.tensor(random.integers(0, len(classes), 15)),
                masks=torch.from_numpy(np.stack(found)),
            )
        self.ground_truth = coco_table(images=[*range(1, images + 1)], annotations=annotations, category_ids=classes)
        for image in self.ground_truth["images"]:
            image |= {"height": HEIGHT, "width": WIDTH}

    @staticmethod
    def written(mask: np.ndarray, *, form: int):
        text = rle.encode(mask[None])[0]
        if form == 0:
            return rle.as_coco(text, height=HEIGHT, width=WIDTH) | {"counts": text.decode()}
        if form == 1:
            return {"size": [HEIGHT, WIDTH], "counts": rle.run_lengths(text, height=HEIGHT, width=WIDTH).tolist()}
        x0, y0, x1, y1 = box_of(mask)
        return [[x0, y0, x1, (y0 + y1) / 2, (x0 + x1) / 2, y1]]

    def encoded(self) -> dict[int, Detections]:
        """The detections as evaluators get them."""
        packed = PackedDetections()
        packed.add([*self.detections.values()], image_ids=[*self.detections])
        return gather(packed).unpack()

    def counted(self) -> COCOeval:
        """By pycocotools."""
        ids = [category["id"] for category in self.ground_truth["categories"]]
        results = [
            {
                "image_id": image_id,
                "category_id": ids[label],
                "segmentation": rle.as_coco(rle.encode(mask[None])[0], height=HEIGHT, width=WIDTH),
                "score": score,
            }
            for image_id, found in self.detections.items()
            for mask, score, label in zip(
                found.masks.numpy(), found.scores.double().tolist(), found.labels.tolist(), strict=True
            )
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = self.ground_truth
            truth.createIndex()
            counting = COCOeval(truth, truth.loadRes(results), "segm")
            counting.evaluate()
            counting.accumulate()
            counting.summarize()
        return counting


@pytest.mark.parametrize("seed", range(4))
def test_all_twelve_numbers_are_those_of_pycocotools(seed):
    world = MaskWorld(seed)
    got = CocoMaskSpec().build(ground_truth=world.ground_truth).evaluate(world.encoded())
    expected = dict(zip(NAMES, world.counted().stats, strict=True))
    assert got == pytest.approx({name: value for name, value in expected.items() if value > -1}, rel=0, abs=1e-12)
    assert 0 < got["AP"] < got["AP50"] < 1
    assert CocoMaskSpec().build(ground_truth=world.ground_truth).evaluate(world.detections) == got  # not encoded yet
    boxes = CocoBoxSpec().build(ground_truth=world.ground_truth).evaluate(world.encoded())
    assert boxes["AP"] != pytest.approx(got["AP"], abs=1e-3)


def test_each_class_has_its_own_numbers():
    world = MaskWorld(9)
    precision = world.counted().eval["precision"]
    got = CocoMaskSpec(per_class=True).build(ground_truth=world.ground_truth).evaluate(world.encoded())
    for place, category_id in enumerate((1, 3, 7)):
        own = precision[:, :, place, 0, -1]
        assert got[f"AP/class{category_id}"] == pytest.approx(own[own > -1].mean(), rel=0, abs=1e-12)


def test_an_object_without_a_mask_is_a_region_where_nothing_is_right_or_wrong():
    world = MaskWorld(4, images=4)
    image_id = world.ground_truth["annotations"][0]["image_id"]
    kept = [each for each in world.ground_truth["annotations"] if each["image_id"] != image_id]
    unknown = {"image_id": image_id, "category_id": 3, "bbox": [10, 10, 40, 50], "area": 2000, "iscrowd": 0}
    mask = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    mask[0, 12:58, 12:48] = True
    found = Detections(boxes=torch.tensor([[12.0, 12, 48, 58]]), scores=torch.ones(1), labels=torch.zeros(1).long())

    def ap(annotations, detections):
        world.ground_truth["annotations"] = [{**each, "id": place} for place, each in enumerate(annotations, start=1)]
        world.detections[image_id] = detections
        return CocoMaskSpec().build(ground_truth=world.ground_truth).evaluate(world.encoded())

    nothing = Detections(boxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=torch.zeros(0).long(),
                         masks=torch.zeros(0, HEIGHT, WIDTH, dtype=torch.bool))  # fmt: skip
    found.masks = mask
    without = ap(kept, nothing)
    assert ap([*kept, unknown], nothing) == without  # not an object that was missed
    assert ap([*kept, unknown], found) == without  # nor a false alarm
    assert ap(kept, found)["AP"] < without["AP"]


def test_no_detections_score_zero_and_the_objects_themselves_one():
    world = MaskWorld(5)
    for annotation in world.ground_truth["annotations"]:
        annotation["iscrowd"] = 0
    evaluator = CocoMaskSpec().build(ground_truth=world.ground_truth)
    assert set(evaluator.evaluate({}).values()) == {0.0}
    ids = [category["id"] for category in world.ground_truth["categories"]]
    truth = COCO()
    truth.dataset = world.ground_truth
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    for image_id in world.detections:
        own = truth.imgToAnns[image_id]
        masks = [torch.from_numpy(truth.annToMask(each)).bool() for each in own]
        world.detections[image_id] = Detections(
            boxes=torch.zeros(len(own), 4),
            scores=torch.ones(len(own)),
            labels=torch.tensor([ids.index(each["category_id"]) for each in own], dtype=torch.long),
            masks=torch.stack(masks) if masks else torch.zeros(0, HEIGHT, WIDTH, dtype=torch.bool),
        )
    got = evaluator.evaluate(world.encoded())
    got.pop("AR@1")
    assert got == pytest.approx(dict.fromkeys(got, 1.0))


def test_a_detector_without_masks_is_refused():
    world = MaskWorld(1, images=2)
    for found in world.detections.values():
        found.masks = None
    with pytest.raises(ValueError, match="gives no masks"):
        CocoMaskSpec().build(ground_truth=world.ground_truth).evaluate(world.encoded())


def test_masks_travel_as_text():
    world = MaskWorld(2, images=2)
    packed = PackedDetections()
    packed.add([*world.detections.values()], image_ids=[*world.detections])
    for image_id, found in gather(packed).unpack().items():
        assert found.masks is None
        assert found.encoded is not None
        decoded = rle.decode(found.encoded, height=HEIGHT, width=WIDTH)
        assert np.array_equal(decoded, world.detections[image_id].masks.numpy())
    dense = sum(found.masks.numel() for found in world.detections.values())
    assert sum(len(text) for each in packed.masks for text in each) < dense / 50


class Finder(nn.Module):
    """Gives what a world has made up."""

    def __init__(self, world: MaskWorld):
        super().__init__()
        self.world = world

    def forward(self, batch: Batch) -> list[Detections]:
        return [self.world.detections[image_id] for image_id in batch.image_ids.tolist()]


def test_evaluate_measures_boxes_and_masks_in_one_pass():
    world = MaskWorld(6)
    ids = torch.tensor([*world.detections])
    whole = torch.tensor([[HEIGHT, WIDTH]] * 2)
    loader = [
        Batch(images=torch.zeros(2, 3, 8, 8), sizes=whole, original_sizes=whole, image_ids=part, keys=part)
        for part in ids.split(2)
    ]
    evaluators = {
        "bbox": CocoBoxSpec().build(ground_truth=world.ground_truth),
        "segm": CocoMaskSpec().build(ground_truth=world.ground_truth),
    }
    got = evaluate(Finder(world), loader, evaluators=evaluators, accelerator=Accelerator(cpu=True))  # type: ignore[arg-type]
    assert got["segm/AP"] == pytest.approx(world.counted().stats[0], rel=0, abs=1e-12)
    assert got["bbox/AP"] == evaluators["bbox"].evaluate(world.detections)["AP"]
