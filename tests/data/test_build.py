import pytest

from specdet.data.build import build_dataset
from specdet.data.spec import ShapesSpec
from specdet.spec import SpecError


def test_several_sets_follow_one_another():
    parts = {"first": ShapesSpec(count=2, seed=1), "second": {"type": "Shapes", "count": 3, "seed": 2, "size": 64}}
    dataset = build_dataset(parts, transforms={}, seed=0, training=True)
    assert len(dataset) == 5
    assert dataset.sizes.tolist() == [[128, 128]] * 2 + [[64, 64]] * 3
    second = build_dataset(ShapesSpec(count=3, seed=2, size=64), transforms={}, seed=0, training=True)
    for index in range(3):
        assert (dataset[0, 2 + index].image == second[0, index].image).all()
    truth = dataset.ground_truth()
    assert [image["id"] for image in truth["images"]] == [0, 1, 2, 3, 4]
    assert {annotation["image_id"] for annotation in truth["annotations"]} == {0, 1, 2, 3, 4}
    ids = [annotation["id"] for annotation in truth["annotations"]]
    assert ids == [*range(1, len(ids) + 1)]


def test_sets_of_different_classes_are_not_joined(coco):
    with pytest.raises(SpecError) as caught:
        build_dataset(
            {"a": coco.spec(), "b": ShapesSpec(count=1)}, transforms={}, seed=0, training=True, path="data.train"
        )
    (problem,) = caught.value.problems
    assert problem.path == "data.train"
    assert "data.train.a has dog, cat; data.train.b has ellipse, rectangle, triangle" in problem.message


def test_problems_of_all_sets_come_with_their_paths(tmp_path):
    parts = {name: {"type": "Voc", "folder": tmp_path / name, "split": "train"} for name in ("a", "b")}
    with pytest.raises(SpecError) as caught:
        build_dataset(parts, transforms={}, seed=0, training=True, path="data.train")
    assert [problem.path for problem in caught.value.problems] == ["data.train.a.folder", "data.train.b.folder"]
    assert {problem.kind for problem in caught.value.problems} == {"environment"}
