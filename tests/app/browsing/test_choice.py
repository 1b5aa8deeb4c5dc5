import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.browsing.choice import AREAS, HOW_MANY, Choice, chosen
from app.browsing.columns import Columns

CLASSES = ("cat", "dog")


def columns_of(images: list[list[tuple[int, bool, float]]]) -> Columns:
    """Images with boxes of (label, crowd, area)."""
    rows = [row for image in images for row in image]
    count = len(rows)
    return Columns(
        classes=CLASSES,
        total=len(images),
        folder=None,
        ids=np.arange(len(images)) * 10 + 3,
        names=np.array([f"Photos/IMG_{place}.jpg".encode() for place in range(len(images))], dtype=np.bytes_),
        sizes=np.full((len(images), 2), 100),
        ends=np.cumsum([0, *(len(image) for image in images)]),
        boxes=np.zeros((count, 4), np.float32),
        labels=np.array([label for label, _, _ in rows], np.int64),
        crowd=np.array([crowd for _, crowd, _ in rows], np.bool_),
        area=np.array([area for _, _, area in rows], np.float32),
    )


BOX = st.tuples(st.integers(0, 1), st.booleans(), st.sampled_from([1.0, 1024.0, 5000.0, 9216.0, 1e6]))


@given(
    images=st.lists(st.lists(BOX, max_size=14), min_size=1, max_size=6),
    label=st.sampled_from([None, 0, 1]),
    boxes=st.sampled_from(["", *HOW_MANY]),
    extent=st.sampled_from(["", *AREAS]),
)
def test_images_are_chosen_as_one_by_one(images, label, boxes, extent):
    def fits(image) -> bool:
        own = [row for row in image if not row[1] and label in (None, row[0])]
        if label is not None and boxes != "none" and not any(row[0] == label for row in image):
            return False
        if boxes:
            least, most = HOW_MANY[boxes]
            if len(own) < least or (most is not None and len(own) > most):
                return False
        return not extent or any(AREAS[extent][0] <= area < AREAS[extent][1] for _, _, area in own)

    found = chosen(columns_of(images), Choice(label=label, boxes=boxes, extent=extent))
    assert found.tolist() == [place for place, image in enumerate(images) if fits(image)]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", [0, 1, 2, 3]),
        ("img_2", [2]),
        ("  IMG_3.JPG ", [3]),
        ("photos/", [0, 1, 2, 3]),
        ("#2", [2]),
        ("#9", []),
        ("13", [1]),  # the set's own number
        ("3", [0, 3]),  # the number of the first, a part of the name of the last
        ("nothing", []),
        ("ä", []),
        ("9" * 40, []),
        ("٣", []),
    ],
)
def test_an_image_is_found_by_name_number_and_place(text, places):
    assert chosen(columns_of([[]] * 4), Choice(find=text)).tolist() == places
