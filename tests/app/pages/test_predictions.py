import json
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from specdet.runs.predictions import file_name, write_predictions
from tests.app.conftest import APP
from tests.app.looking.made_predictions import FOUND, SPEC, image, predictions, run_with
from tests.runs.made import RUN_ID, made, owned


def opened(**query: str) -> AppTest:
    at = AppTest.from_file(str(APP / "shell.py"), default_timeout=30)
    at.switch_page("pages/predictions.py")
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    """All sentences, without the backslashes that keep them from being Markdown."""
    return "\n".join(each.value for each in (*at.text, *at.info, *at.error, *at.warning, *at.success)).replace("\\", "")


def viewer(at: AppTest) -> dict:
    """What the viewer in the browser is told."""
    (shown,) = at.get("bidi_component")
    return json.loads(shown.proto.json)


def titles(at: AppTest) -> list[str]:
    return [scene["title"] for scene in viewer(at)["scenes"]]


@pytest.fixture
def runs(workspace: Path) -> Path:
    return workspace / "runs"


MANY = [image(n, detections=(*FOUND[:1], *[FOUND[1]] * n)) for n in range(30)]  # n wrong ones on the n-th


def test_the_newest_step_is_shown_with_the_worst_image_first(runs):
    run_with(runs, {10: [image(1)], 20: MANY})
    at = opened(run=RUN_ID)
    assert titles(at) == [f"{n}.jpg" for n in range(29, 17, -1)]
    assert "Step 20, epoch 2: 30 of 50 images" in said(at)
    told = viewer(at)
    assert told["given"] == {"score": 0.5, "iou": 0.5, "order": "worst"} and told["asks"]
    assert (told["totals"]["images"], sum(told["totals"]["objects"])) == (30, 60)
    assert told["labels"] == ["cat", "dog"]


def test_the_url_says_step_page_order_and_what_is_shown(runs):
    run_with(runs, {10: [image(n) for n in range(30)], 20: MANY})
    at = opened(run=RUN_ID, step="10", page="3", per="12", order="given", score="0.25", iou="0.75")
    assert titles(at) == [f"{n}.jpg" for n in range(24, 30)]
    assert viewer(at)["given"] == {"score": 0.25, "iou": 0.75, "order": "given"}
    assert viewer(at)["scenes"][0]["boxes"][0]["found"][0] == 0.9


@pytest.mark.parametrize(
    "query",
    [
        {"step": "x", "page": "-1", "per": "1e9", "order": "drop", "score": "nan", "iou": "7"},
        {"step": "9" * 5000, "page": "0", "per": "", "order": "", "score": "", "iou": "<b>"},
    ],
)
def test_a_url_that_makes_no_sense_is_as_if_it_were_not(runs, query):
    run_with(runs, {10: [image(1)], 20: MANY})
    assert titles(opened(run=RUN_ID, **query)) == titles(opened(run=RUN_ID))


def test_the_slider_goes_through_the_steps(runs):
    run_with(runs, {10: [image(1)], 20: [image(2)], 30: [image(3)]})
    at = opened(run=RUN_ID)
    assert titles(at) == ["3.jpg"]
    at.select_slider[0].set_value(20).run()
    assert titles(at) == ["2.jpg"] and at.query_params["step"] == "20"
    at.select_slider[0].set_value(30).run()
    assert titles(at) == ["3.jpg"] and "step" not in at.query_params


def test_a_new_step_is_followed_at_the_right_end_alone(runs):
    run = run_with(runs, {10: [image(1)], 20: [image(2)]})
    at, other = opened(run=RUN_ID), opened(run=RUN_ID, step="10")
    write_predictions(run, predictions(30, [image(3)]))
    assert titles(at.run()) == ["3.jpg"]
    assert titles(other.run()) == ["1.jpg"]
    assert list(other.select_slider[0].options) == ["10", "20", "30"]


def test_a_step_that_is_written_anew_is_read_anew(runs):
    run = run_with(runs, {10: [image(1)]})
    at = opened(run=RUN_ID)
    write_predictions(run, predictions(10, [image(7)]))
    assert titles(at.run()) == ["7.jpg"]


def test_images_are_filtered_by_class_and_by_mistakes(runs):
    fine = image(1, objects=image(1).objects[:1], detections=FOUND[:1])  # a cat, found
    run_with(runs, {10: [fine, image(2)]})
    at = opened(run=RUN_ID, errors="1")
    assert titles(at) == ["2.jpg"]
    at = opened(run=RUN_ID, **{"class": "dog"})
    assert titles(at) == ["2.jpg"] and at.multiselect[0].value == ["dog"]
    run_with(runs, {10: [fine]}, run_id="20260101-120000-rpn-0002")
    at = opened(run="20260101-120000-rpn-0002", errors="1")
    assert "On none of the images is anything wrong" in said(at)


def test_another_run_is_chosen(runs):
    run_with(runs, {10: [image(1)]})
    run_with(runs, {10: [image(n) for n in range(5)], 20: [image(2)]}, run_id="20260101-120000-rpn-0002")
    at = opened(run="20260101-120000-rpn-0002", step="10")
    at.selectbox[0].set_value(RUN_ID).run()
    assert titles(at) == ["1.jpg"]
    assert at.query_params["run"] == RUN_ID and "step" not in at.query_params


def test_names_of_strangers_are_not_markdown(runs):
    run_with(runs, {10: [image(1, file="![x](http://evil.example/x.png)")]})
    at = opened(run=RUN_ID)
    assert titles(at) == ["![x](http://evil.example/x.png)"]  # which the viewer shows as text
    assert not any("evil" in each.value for each in at.markdown)


# -- what lies in a run directory may be anything


def test_a_damaged_step_is_a_sentence_and_the_others_are_shown(runs):
    run = run_with(runs, {10: [image(1)], 20: [image(2)]})
    (run / file_name(20)).write_bytes(b"\xff\x00junk")
    assert "does not begin as predictions do" in said(opened(run=RUN_ID))
    assert titles(opened(run=RUN_ID, step="10")) == ["1.jpg"]


def test_lines_that_make_no_sense_are_told(runs):
    run = run_with(runs, {10: [image(1), image(2)]})
    content = (run / file_name(10)).read_bytes()
    (run / file_name(10)).write_bytes(content[:-40])
    at = opened(run=RUN_ID)
    assert titles(at) == ["1.jpg"] and "line 3 is no image" in said(at)


def test_links_out_of_the_run_are_not_followed(runs, tmp_path):
    outside = run_with(tmp_path / "elsewhere", {10: [image(1)]})
    run = run_with(runs, {})
    os.symlink(outside / "predictions", run / "predictions")
    at = opened(run=RUN_ID)
    assert "link to outside" in said(at) and not at.get("bidi_component")


def test_a_picture_that_is_a_link_is_not_shown(runs, tmp_path):
    run = run_with(runs, {10: [image(1)]})
    picture = run / "predictions/images/1.jpg"
    (tmp_path / "secret.png").write_bytes(picture.read_bytes())
    picture.unlink()
    os.symlink(tmp_path / "secret.png", picture)
    told = viewer(opened(run=RUN_ID))
    assert told["scenes"][0]["image"] == -1 and told["images"] == []


def test_a_picture_that_is_none_is_not_shown(runs):
    run = run_with(runs, {10: [image(1)]})
    (run / "predictions/images/1.jpg").write_bytes(b"<svg onload=alert(1)>")
    assert viewer(opened(run=RUN_ID))["images"] == []


def test_pictures_that_are_gone_are_told(runs):
    run = run_with(runs, {10: [image(1)]})
    for path in (run / "predictions/images").iterdir():
        path.unlink()
    (run / "predictions/images").rmdir()
    at = opened(run=RUN_ID)
    assert "pictures are gone" in said(at) and titles(at) == ["1.jpg"]


@pytest.mark.parametrize("name", ["../x", "gone", ".", "a/b", "\x00", "![x](http://evil.example)"])
def test_what_is_no_run_is_told(runs, name):
    run_with(runs, {10: [image(1)]})
    at = opened(run=name)
    assert len(at.error) == 1 and not at.get("bidi_component")


# -- why there is nothing


def test_without_any_run_the_page_says_where_to_start(workspace):
    assert "There are no runs yet" in said(opened())


def test_without_a_run_in_the_url_one_is_chosen(runs):
    run_with(runs, {10: [image(1)]})
    at = opened()
    assert "Choose a run above" in said(at)
    at.selectbox[0].set_value(RUN_ID).run()
    assert titles(at) == ["1.jpg"]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (SPEC.replace('[eval.bbox]\ntype = "CocoBox"\n', ""), "its spec has no [eval]"),
        (SPEC.replace('[data.val]\ntype = "Coco"\n', ""), "its spec has no [data.val]"),
        (SPEC.replace('"Predictions"', '"Predictions"\nenabled = false'), "enabled = false"),
        (SPEC.replace("spec = 1", 'spec = 1\nunset = ["hooks.predictions"]').replace(
            '[hooks.predictions]\ntype = "Predictions"\n', ""), "its spec removes hooks.predictions"),
        (SPEC.replace('[hooks.predictions]\ntype = "Predictions"\n', ""), "version of specdet that did not store any"),
        ("x = [", "cannot be read"),
        (SPEC, "it ended at step 0"),
    ],
)  # fmt: skip
def test_a_run_without_predictions_says_why(runs, spec, sentence):
    run_with(runs, {}, spec=spec)
    assert sentence in said(opened(run=RUN_ID))


def test_a_run_that_goes_on_says_when_they_come(runs):
    run = made(runs, RUN_ID, state={"state": "running", "attempt": 1, "t": 1.0}, progress={"iter": 3, "t": 1.0})
    (run / "spec.toml").write_text(SPEC)
    with owned(run):
        at = opened(run=RUN_ID)
        assert "every 10 optimizer steps" in said(at)
