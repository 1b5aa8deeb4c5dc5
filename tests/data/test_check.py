from specdet.data.check import data_problems
from specdet.data.spec import DataSpec, ShapesSpec


def test_good_data_has_no_problems(coco):
    assert data_problems(DataSpec(train=coco.spec(), val=coco.spec())) == []
    assert data_problems(DataSpec(train={"drawn": ShapesSpec(count=1)})) == []


def test_a_missing_folder_is_one_environment_problem(tmp_path):
    spec = DataSpec(train={"a": {"type": "Voc", "folder": tmp_path / "nowhere", "split": "train"}})
    (problem,) = data_problems(spec)
    assert (problem.path, problem.kind) == ("train.a.folder", "environment")
    assert "the folder does not exist" in problem.message


def test_headers_are_opened(coco):
    (coco.images / "2.png").write_bytes(b"no image")
    problems = data_problems(DataSpec(train=coco.spec(), val=coco.spec()))
    assert [problem.path for problem in problems] == ["train.images", "val.images"]
    assert all("2.png: not an image that can be read" in problem.message for problem in problems)


def test_training_and_evaluation_must_agree_on_classes(coco):
    spec = DataSpec(train=coco.spec(classes=("cat", "dog")), val=coco.spec())
    (problem,) = data_problems(spec)
    assert problem.path == "train"
    assert "train has cat, dog; val has dog, cat" in problem.message
