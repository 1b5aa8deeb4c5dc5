"""The Data page, without a browser: what it shows of a spec, and what it does not open."""

import json
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from specdet.experiment import load, resolved
from tests.data.conftest import CocoFolder
from tests.runs.made import RUN_ID, made

SHELL = Path(__file__).parents[3] / "app" / "shell.py"
SPEC = """
extends = ["specdet:coco/rpn_r50_fpn_1x.toml"]
[data]
root = "data"
train = {{ images = "images", annotations = "{annotations}" }}
val = {{ images = "images", annotations = "annotations.json" }}
"""


@pytest.fixture
def coco(workspace) -> CocoFolder:
    """A spec, my.toml, of a small data set in the workspace."""
    (workspace / "data").mkdir()
    (workspace / "my.toml").write_text(SPEC.format(annotations="annotations.json"))
    return CocoFolder(workspace / "data")


def page(**parameters: str) -> AppTest:
    """The page under a URL."""
    at = AppTest.from_file(str(SHELL), default_timeout=60)
    at.switch_page("pages/data.py")
    for name, value in parameters.items():
        at.query_params[name] = value
    return at.run()


def scenes(at: AppTest) -> list[dict]:
    """What the viewer is told."""
    (viewer,) = at.get("bidi_component")
    return json.loads(viewer.proto.json)["scenes"]


def texts(at: AppTest) -> str:
    """All that the page says."""
    assert not at.exception
    kinds = (at.error, at.warning, at.info, at.caption, at.code, at.text, at.markdown, at.success)
    return "\n".join(str(each.value) for kind in kinds for each in kind)


def test_without_a_spec_one_is_to_be_chosen(coco):
    at = page()
    assert "Choose a spec" in texts(at)
    assert at.selectbox(key="data-spec").options[:3] == ["Choose a spec", "my.toml", "specdet:mask_rcnn.toml"]


def test_the_images_that_are_trained_on_are_shown_with_their_boxes(coco):
    at = page(spec="my.toml")
    (scene,) = scenes(at)
    assert (scene["title"], scene["size"], len(scene["boxes"])) == ("0: 0.png", [60, 40], 2)
    assert "1 images" not in texts(at)


def test_the_set_to_evaluate_on_is_shown_whole(coco):
    at = page(spec="my.toml", set="val")
    assert [scene["title"] for scene in scenes(at)] == ["0: 0.png", "1: 1.png", "2: 2.png"]
    at = page(spec="my.toml", set="val", find="2.png")
    assert [scene["title"] for scene in scenes(at)] == ["2: 2.png"]
    at = page(spec="my.toml", set="val", **{"class": "dog"})
    assert [scene["title"] for scene in scenes(at)] == ["0: 0.png", "1: 1.png"]


def test_what_the_training_sees_is_shown(coco):
    (scene,) = scenes(page(spec="my.toml", view="seen", epoch="3"))
    assert scene["size"] == [1200, 800]  # a short side of 800


def test_pages_follow_the_url_and_start_anew_for_another_choice(workspace):
    at = page(spec="specdet:rpn.toml", page="3")
    assert scenes(at)[0]["title"].startswith("48: ")
    at.selectbox(key="data-boxes").select("one").run()
    assert at.session_state["data-page"] == 1
    assert at.query_params.get("page") in (None, [])
    assert all(len(scene["boxes"]) == 1 for scene in scenes(at))


def test_statistics_stand_beside_each_other(coco):
    at = page(spec="my.toml", tab="statistics")
    assert not at.exception
    summary = at.dataframe[0].value
    assert summary["Set"].tolist() == ["train", "val"]
    assert summary["Images"].tolist() == [1, 3]
    assert len(at.get("vega_lite_chart")) == 6


def test_all_that_is_wrong_is_told_with_what_to_do(coco, workspace):
    coco.data["annotations"].append({"id": 9, "image_id": 13, "category_id": 2, "bbox": [500, 500, 9, 9]})
    coco.data["images"].append({"id": 99, "file_name": "gone.png", "height": 40, "width": 60})
    coco.write()
    said = texts(page(spec="my.toml", tab="findings", set="val"))
    assert "image files that do not exist" in said
    assert "boxes that lie mostly outside" in said
    assert "Copy the missing files" in said
    assert str(workspace / "data/images/gone.png") in said
    assert "A training would not start with train: see Findings" in texts(page(spec="my.toml")).replace("\\", "")


def test_a_broken_image_does_not_end_the_page(coco):
    (coco.images / "1.png").write_text("broken")
    at = page(spec="my.toml", set="val")
    assert [scene["image"] >= 0 for scene in scenes(at)] == [True, False, True]
    assert "cannot be decoded" in scenes(at)[1]["note"]


def test_data_that_is_not_there_is_a_sentence(coco, workspace):
    os.rename(workspace / "data", workspace / "moved")
    at = page(spec="my.toml")
    assert "There is no image to show" in texts(at)
    assert "the folder data.root does not exist" in texts(page(spec="my.toml", tab="findings")).replace("\\", "")


def test_a_spec_without_val_says_so(coco, workspace):
    (workspace / "my.toml").write_text('extends = ["specdet:rpn.toml"]\nunset = ["data.val", "eval", '
                                       '"hooks.checkpoint.keep_best"]\n')  # fmt: skip
    at = page(spec="my.toml", tab="statistics")
    assert "no data.val" in texts(at)
    assert at.dataframe[0].value["Set"].tolist() == ["train"]


def test_a_spec_with_problems_lists_them(workspace):
    (workspace / "my.toml").write_text('extends = ["specdet:rpn.toml"]\nseeed = 1\noptimizer.lr = "fast"\n')
    said = texts(page(spec="my.toml"))
    assert "seeed" in said and "optimizer.lr" in said


def test_a_run_shows_its_own_data(workspace):
    (made(workspace / "runs") / "spec.toml").write_text(resolved(load("specdet:rpn.toml", ["data.train.count=50"])))
    at = page(run=RUN_ID)
    assert f"of the run {RUN_ID}" in texts(at)
    assert "50 images" in texts(at)


@pytest.mark.parametrize("name", ["../other.toml", "/etc/passwd", "nothing.toml"])
def test_a_spec_elsewhere_is_refused(workspace, name):
    (workspace.parent / "other.toml").write_text('extends = ["specdet:rpn.toml"]\n')
    at = page(spec=name)
    assert len(at.error) == 1
    assert not at.get("bidi_component")


def test_data_elsewhere_is_opened_only_where_it_is_allowed(coco, workspace, monkeypatch):
    outside = workspace.parent / "outside"
    os.rename(workspace / "data", outside)
    (workspace / "my.toml").write_text(SPEC.format(annotations="annotations.json").replace('"data"', f'"{outside}"'))
    at = page(spec="my.toml")
    assert not at.get("bidi_component")
    assert "SPECDET_APP_ROOTS" in texts(page(spec="my.toml", tab="findings")).replace("\\", "")
    monkeypatch.setenv("SPECDET_APP_ROOTS", str(outside))
    assert len(scenes(page(spec="my.toml"))) == 1


def test_names_of_strangers_are_no_markdown(coco):
    evil = "![x](http://evil.example/x.png)"
    coco.data["categories"][0]["name"] = evil
    coco.data["images"][2]["file_name"] = f"{evil}.png"
    coco.data["annotations"][0]["bbox"] = [10, 5, 0, 30]
    coco.write()
    at = page(spec="my.toml", tab="findings")
    assert not at.exception
    shown = [each.value for kind in (at.markdown, at.caption, at.error, at.warning, at.subheader) for each in kind]
    assert not [text for text in shown if "![x](" in text]
    assert any(evil in each.value for each in at.code)


def test_a_plugin_of_a_stranger_does_not_run(workspace):
    witness = workspace.parent / "witness"
    (workspace / "evil.py").write_text(f"open({str(witness)!r}, 'w').close()\nCOMPONENTS = {{}}\n")
    (workspace / "my.toml").write_text('extends = ["specdet:rpn.toml"]\nplugins = ["./evil.py"]\n')
    assert "is code" in texts(page(spec="my.toml"))
    assert not witness.exists()
