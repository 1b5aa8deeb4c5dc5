from pathlib import Path

import pytest

from app.widgets.scenes import PARTS, SCRIPTS, Asked, _asked


def test_what_the_browser_asks_for_is_taken_over():
    assert _asked({"score": 0.25, "iou": 0.75, "order": "missed"}) == Asked(score=0.25, iou=0.75, order="missed")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "x",
        {},
        {"score": 2, "iou": 0.5, "order": "worst"},
        {"score": float("nan"), "iou": 0.5, "order": "worst"},
        {"score": "0.5", "iou": 0.5, "order": "worst"},
        {"score": 0.5, "iou": 0.51, "order": "worst"},
        {"score": 0.5, "iou": [], "order": "worst"},
        {"score": 0.5, "iou": 0.5, "order": "drop"},
        {"score": 0.5, "iou": 0.5, "order": ["worst"]},
    ],
)
def test_what_our_script_would_not_send_is_not_taken_over(value):
    assert _asked(value) is None


def test_the_viewer_makes_no_html_of_text():
    """Names of files and classes come from strangers."""
    script = "".join((PARTS / name).read_text() for name in SCRIPTS)
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "http://",
    ):
        assert way not in script.replace("http://www.w3.org/2000/svg", ""), way


def test_no_part_of_the_viewer_is_longer_than_one_concept():
    assert sorted(path.name for path in PARTS.iterdir()) == sorted([*SCRIPTS, "viewer.css"])
    assert all(len(Path(path).read_text().splitlines()) <= 400 for path in PARTS.iterdir())
