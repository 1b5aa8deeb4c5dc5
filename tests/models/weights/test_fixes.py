"""The order of classes and anchors: each row is filled with what it is for, and must come out in the right place."""

import pytest
import torch
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from specdet.models.weights.fixes import COCO_IDS, BackgroundFirst, Given, SizeMajor


def rows_of(*values: list[int], rows: int = 1, columns: int = 2) -> torch.Tensor:
    """One row, or `rows`, for each of the values, in their order."""
    flat = torch.tensor([each for group in values for each in group], dtype=torch.float32)
    return flat.repeat_interleave(rows)[:, None].expand(-1, columns).contiguous()


def test_cocos_numbers_are_torchvisions_categories():
    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    used = [number for number, name in enumerate(names) if name not in ("__background__", "N/A")]
    assert list(COCO_IDS) == used and len(used) == 80


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("rows", [1, 4])
def test_background_comes_last_or_goes(rows, columns):
    theirs = rows_of([0, 1, 2, 3], rows=rows, columns=columns)
    kept = BackgroundFirst(rows=rows, keep=True).to_ours(theirs, Given())
    assert torch.equal(kept, rows_of([1, 2, 3, 0], rows=rows, columns=columns))
    assert torch.equal(
        BackgroundFirst(rows=rows).to_ours(theirs, Given()), rows_of([1, 2, 3], rows=rows, columns=columns)
    )


def test_ninety_one_outputs_become_cocos_eighty_classes():
    theirs = rows_of(list(range(91)))
    assert BackgroundFirst(keep=True).to_ours(theirs, Given())[:, 0].tolist() == [*COCO_IDS, 0]
    assert BackgroundFirst().to_ours(theirs, Given(num_classes=80))[:, 0].tolist() == list(COCO_IDS)
    # A model that is to tell ninety apart keeps the numbers.
    assert BackgroundFirst().to_ours(theirs, Given(num_classes=90))[:, 0].tolist() == list(range(1, 91))


def test_rows_of_a_dense_head_are_told_apart_by_anchor():
    theirs = torch.arange(2 * 3.0)  # two anchors of background, one, two
    assert BackgroundFirst().to_ours(theirs, Given(anchors=2)).tolist() == [1, 2, 4, 5]
    assert BackgroundFirst(keep=True).to_ours(theirs, Given(anchors=2)).tolist() == [1, 2, 0, 4, 5, 3]
    # Trained with labels from 0, there is no row to leave out.
    assert BackgroundFirst().to_ours(theirs, Given(anchors=2, num_classes=3)).tolist() == list(range(6))


@pytest.mark.parametrize("anchors", [1, 6])
@pytest.mark.parametrize("rows", [1, 4])
def test_what_has_background_comes_back(rows, anchors):
    fix, given = BackgroundFirst(rows=rows, keep=True), Given(anchors=anchors)
    theirs = torch.randn(anchors * 5 * rows, 2)
    assert torch.equal(fix.to_theirs(fix.to_ours(theirs, given), given), theirs)


def test_what_has_none_comes_back_with_nothing_for_it():
    back = BackgroundFirst(rows=4).to_theirs(torch.ones(8, 3), Given())
    assert back.shape == (12, 3) and back[:4].abs().sum() == 0 and (back[4:] == 1).all()


@pytest.mark.parametrize("values", [1, 4, 80])
def test_anchors_of_one_shape_come_together(values):
    sizes, shapes, each = range(3), range(3), range(values)
    theirs = torch.tensor([[size, shape, value] for size in sizes for shape in shapes for value in each])
    ours = torch.tensor([[size, shape, value] for shape in shapes for size in sizes for value in each])
    given = Given(anchors=9)
    assert torch.equal(SizeMajor().to_ours(theirs, given), ours)
    assert torch.equal(SizeMajor().to_theirs(ours, given), theirs)
    assert torch.equal(SizeMajor().to_ours(theirs, Given(anchors=1)), theirs)
