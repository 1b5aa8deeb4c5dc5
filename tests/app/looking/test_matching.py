import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from app.looking.counts import count
from app.looking.matching import compared
from app.looking.scene import IOU_THRESHOLDS
from specdet.runs.predictions import StoredDetection, StoredImage, StoredObject

CLASSES = ("cat", "dog", "eel")
# Few places, so that boxes overlap, many of them alike.
boxes = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 6), st.integers(1, 6)).map(
    lambda box: (float(box[0]), float(box[1]), float(box[0] + box[2]), float(box[1] + box[3]))
)
objects = st.builds(StoredObject, box=boxes, label=st.integers(0, 2), crowd=st.integers(0, 4).map(lambda n: n == 0))
detections = st.builds(
    StoredDetection, box=boxes, score=st.integers(1, 20).map(lambda n: n / 20), label=st.integers(0, 2)
)
images = st.builds(
    StoredImage,
    id=st.just(1),
    file=st.just("a.jpg"),
    width=st.just(20),
    height=st.just(20),
    objects=st.lists(objects, max_size=8).map(tuple),
    detections=st.lists(detections, max_size=12).map(lambda found: tuple(sorted(found, key=lambda one: -one.score))),
)


def xywh(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def by_coco(image, *, gives_classes):
    """What pycocotools says: for each detection and threshold the object it matched, None, or "ignored"."""
    truth, found = COCO(), COCO()
    truth.dataset = {
        "images": [{"id": 1}],
        "categories": [{"id": label} for label in range(3)],
        "annotations": [
            {"id": place + 1, "image_id": 1, "category_id": each.label, "bbox": xywh(each.box), "area": 1.0,
             "iscrowd": int(each.crowd)}
            for place, each in enumerate(image.objects)
        ],
    }  # fmt: skip
    found.dataset = truth.dataset | {
        "annotations": [
            {"id": place + 1, "image_id": 1, "category_id": each.label if gives_classes else 0, "bbox": xywh(each.box),
             "area": 1.0, "iscrowd": 0, "score": each.score}
            for place, each in enumerate(image.detections)
        ],
    }  # fmt: skip
    truth.createIndex()
    found.createIndex()
    counting = COCOeval(truth, found, "bbox")
    counting.params.useCats = int(gives_classes)
    counting.params.iouThrs = np.array(IOU_THRESHOLDS)
    counting.params.maxDets = [100]
    counting.params.areaRng = [[0, 1e10]]
    counting.evaluate()
    matched = {}
    for part in counting.evalImgs:
        if part is None:
            continue
        for at in range(len(IOU_THRESHOLDS)):
            for place, detection in enumerate(part["dtIds"]):
                taken = int(part["dtMatches"][at, place])
                matched[detection - 1, at] = (
                    "ignored" if part["dtIgnore"][at, place] else (taken - 1 if taken else None)
                )
    return matched


def split(image, **settings):
    found = compared(image, classes=CLASSES, **settings)
    return found[: len(image.objects)], found[len(image.objects) :]


@pytest.mark.parametrize("gives_classes", [True, False])
@settings(max_examples=150, deadline=None)
@given(image=images)
def test_matching_is_that_of_coco(image, gives_classes):
    told, seen = split(image, gives_classes=gives_classes)
    expected = by_coco(image, gives_classes=gives_classes)
    for at in range(len(IOU_THRESHOLDS)):
        finders = {}
        for place, box in enumerate(seen):
            matched = expected[place, at]
            verdict = box.verdicts[at]
            assert (verdict == "ignored") == (matched == "ignored")
            assert (verdict == "right") == isinstance(matched, int)
            if isinstance(matched, int):
                finders[matched] = box.score
        for place, box in enumerate(told):
            assert (box.found == ()) == image.objects[place].crowd
            if box.found:
                assert box.found[at] == finders.get(place)


@settings(max_examples=100, deadline=None)
@given(image=images, score=st.integers(0, 21).map(lambda n: n / 20), at=st.integers(0, 9), gives_classes=st.booleans())
def test_a_threshold_counts_as_if_nothing_below_it_had_been_found(image, score, at, gives_classes):
    iou = IOU_THRESHOLDS[at]
    whole = compared(image, classes=CLASSES, gives_classes=gives_classes)
    rest = tuple(each for each in image.detections if each.score >= score)
    alone = StoredImage(id=1, file="a", width=20, height=20, objects=image.objects, detections=rest)
    expected = count(compared(alone, classes=CLASSES, gives_classes=gives_classes), score=0, iou=iou)
    assert count(whole, score=score, iou=iou) == expected
    assert expected.right + expected.missed == sum(not each.crowd for each in image.objects)


def one(*detections, objects):
    """The verdicts at IoU 0.5 of detections (box, label), falling in score, among objects (box, label)."""
    image = StoredImage(
        id=1, file="a", width=100, height=100,
        objects=tuple(StoredObject(box=box, label=label) for box, label in objects),
        detections=tuple(
            StoredDetection(box=box, label=label, score=score)
            for (box, label), score in zip(detections, (0.9, 0.8), strict=False)
        ),
    )  # fmt: skip
    return [box.verdicts[0] for box in split(image, gives_classes=True)[1]]


CAT = (0.0, 0.0, 10.0, 10.0)


@pytest.mark.parametrize(
    ("box", "label", "verdict"),
    [
        ((0, 0, 10, 9), 0, "duplicate"),  # IoU 0.9 with what the first has taken
        ((0, 0, 10, 9), 1, "class"),
        ((0, 0, 10, 4), 0, "place"),  # IoU 0.4
        ((0, 0, 10, 4), 1, "class and place"),
        ((0, 0, 10, 0.9), 0, "background"),  # IoU 0.09
        ((0, 0, 10, 1), 0, "place"),  # IoU 0.1
        ((50, 50, 60, 60), 1, "background"),
    ],
)
def test_each_kind_of_mistake(box, label, verdict):
    assert one((CAT, 0), (tuple(map(float, box)), label), objects=[(CAT, 0)]) == ["right", verdict]


def test_a_wrong_class_in_the_right_place_is_a_matter_of_class():
    """Though it overlaps an object of its class a little."""
    dog = (8.0, 0.0, 18.0, 10.0)
    assert one((dog, 0), objects=[(CAT, 0), (dog, 1)]) == ["class"]


def test_the_iou_is_that_with_the_nearest_object_of_its_class():
    image = StoredImage(
        id=1, file="a", width=9, height=9,
        objects=(StoredObject(box=CAT, label=1), StoredObject(box=(0, 0, 10, 5), label=0)),
        detections=(StoredDetection(box=CAT, label=0, score=0.5),),
    )  # fmt: skip
    (box,) = split(image, gives_classes=True)[1]
    assert box.iou == pytest.approx(0.5) and box.label == "cat"
    (box,) = split(image, gives_classes=False)[1]
    assert box.iou == pytest.approx(1.0) and box.label == ""


def test_labels_beyond_the_classes_have_a_name_of_their_own():
    image = StoredImage(id=1, file="a", width=9, height=9, objects=(StoredObject(box=CAT, label=7),))
    assert [box.label for box in compared(image, classes=CLASSES, gives_classes=True)] == ["class 7"]


def test_nothing_found_and_nothing_there():
    assert compared(StoredImage(id=1, file="a", width=9, height=9), classes=(), gives_classes=True) == ()
