import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from specdet.evaluation.gather import PackedDetections, check_each_once, gather
from specdet.structures import Detections


def detections(count, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Detections(
        boxes=torch.rand(count, 4, generator=generator) * 1000,
        scores=torch.rand(count, generator=generator),
        labels=torch.randint(0, 5000, (count,), generator=generator),
    )


@given(counts=st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=4))
def test_packing_keeps_every_number_of_every_image(counts):
    packed, expected = PackedDetections(), {}
    for batch in counts:
        ids = [len(expected) + place for place in range(len(batch))]
        made = [detections(count, seed=image_id) for image_id, count in zip(ids, batch, strict=True)]
        packed.add(made, image_ids=ids)
        expected |= dict(zip(ids, made, strict=True))
    got = gather(packed).unpack()
    assert list(got) == list(expected)
    for image_id, found in got.items():
        for name in ("boxes", "scores", "labels"):
            kept, original = getattr(found, name), getattr(expected[image_id], name)
            assert kept.dtype == original.dtype
            assert torch.equal(kept, original)


def test_one_detections_an_image():
    with pytest.raises(AssertionError):
        PackedDetections().add([detections(2)], image_ids=[1, 2])


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([1, 2], r"1 lost \(such as \[3\]\)"),
        ([1, 2, 3, 2], r"1 seen more than once \(such as \[2\]\)"),
        ([1, 2, 3, 9], r"1 not in the ground truth \(such as \[9\]\)"),
        ([], "3 lost"),
    ],
)
def test_images_that_are_lost_or_doubled_are_named(seen, said):
    with pytest.raises(RuntimeError, match=said):
        check_each_once(seen, expected=frozenset({1, 2, 3}))


@given(st.permutations([1, 2, 3, 4]))
def test_any_order_of_the_whole_set_is_fine(seen):
    assert check_each_once(seen, expected=frozenset({1, 2, 3, 4})) is None
