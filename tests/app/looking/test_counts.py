import pytest

from app.looking.choosing import Choice, chosen, of_page, pages
from app.looking.counts import Counts, count, nearest_iou, order_of
from app.looking.scene import IOU_THRESHOLDS, Box
from app.looking.stored import ComparedImage
from tests.app.looking.made_predictions import image

TIMES = len(IOU_THRESHOLDS)


def box(kind, label="cat", **fields) -> Box:
    return Box(x1=0, y1=0, x2=1, y2=1, label=label, kind=kind, **fields)


def seen(verdict, score, label="cat") -> Box:
    return box("detection", label, score=score, verdicts=(verdict,) * TIMES)


def there(score, label="cat") -> Box:
    return box("object", label, found=(score,) * TIMES)


BOXES = (
    *(there(0.9), there(0.3), there(None, "dog"), box("crowd")),
    *(seen("right", 0.9), seen("duplicate", 0.8), seen("background", 0.6, "dog"), seen("ignored", 0.5)),
    seen("right", 0.3),
)


@pytest.mark.parametrize(
    ("score", "expected"), [(0.0, (2, 2, 1)), (0.3, (2, 2, 1)), (0.31, (1, 2, 2)), (0.7, (1, 1, 2)), (0.95, (0, 0, 3))]
)
def test_what_scores_less_than_the_threshold_is_not_there(score, expected):
    counts = count(BOXES, score=score, iou=0.5)
    assert (counts.right, counts.wrong, counts.missed) == expected
    assert counts.errors == expected[1] + expected[2]


def test_classes_are_counted_alone_and_boxes_without_one_always():
    boxes = (*BOXES, seen("place", 0.9, ""))
    assert count(boxes, score=0.5, iou=0.5, labels={"cat"}) == Counts(right=1, wrong=2, missed=1)
    assert count(boxes, score=0.5, iou=0.5, labels={"dog"}) == Counts(wrong=2, missed=1)


def test_each_iou_threshold_has_its_own_verdict():
    boxes = (
        box("object", found=(0.9,) * 5 + (None,) * 5),
        box("detection", score=0.9, verdicts=("right",) * 5 + ("place",) * 5),
    )
    assert count(boxes, score=0, iou=0.7) == Counts(right=1)
    assert count(boxes, score=0, iou=0.75) == Counts(wrong=1, missed=1)


def test_precision_and_recall_are_of_what_there_is():
    assert (Counts(right=3, wrong=1, missed=2).precision, Counts(right=3, wrong=1, missed=2).recall) == (0.75, 0.6)
    assert Counts().precision is None and Counts().recall is None


def test_boxes_that_were_not_compared_count_as_nothing():
    assert count((box("object"), box("detection", score=0.9)), score=0, iou=0.5) == Counts()


def test_equals_stay_in_their_order():
    counts = [Counts(wrong=1), Counts(missed=2), Counts(wrong=2), Counts(missed=1)]
    assert order_of(counts, "given") == [0, 1, 2, 3]
    assert order_of(counts, "worst") == [1, 2, 0, 3]
    assert order_of(counts, "missed") == [1, 3, 0, 2]
    assert order_of(counts, "wrong") == [2, 0, 1, 3]


def test_the_nearest_iou_is_taken():
    assert [nearest_iou(iou) for iou in (0.0, 0.52, 0.53, 0.75, 1.0)] == [0.5, 0.5, 0.55, 0.75, 0.95]


IMAGES = [ComparedImage(stored=image(n), boxes=boxes) for n, boxes in enumerate([BOXES[:1], BOXES, BOXES[2:3], ()])]


def ids(choice: Choice) -> list[int]:
    return [each.stored.id for each in chosen(IMAGES, choice)]


def test_images_are_chosen_and_ordered():
    assert ids(Choice()) == [1, 2, 0, 3]
    assert ids(Choice(order="given")) == [0, 1, 2, 3]
    assert ids(Choice(errors=True)) == [1, 2]
    assert ids(Choice(labels=("dog",))) == [1, 2]
    assert ids(Choice(labels=("cat",), errors=True)) == [1]
    assert ids(Choice(score=0.95, errors=True)) == [1, 0, 2]


def test_pages_hold_every_image_once():
    assert [pages(n, per_page=12) for n in (0, 1, 12, 13)] == [1, 1, 1, 2]
    parts = [of_page(IMAGES, page=page, per_page=3) for page in (1, 2)]
    assert [*parts[0], *parts[1]] == IMAGES and len(parts[0]) == 3
