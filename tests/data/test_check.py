from pathlib import Path

from specdet.data.check import check_data
from specdet.data.spec import DataSpec, ShapesSpec


def test_good_data_has_no_problems(coco):
    found = check_data(DataSpec(train=coco.spec(min_size=0), val=coco.spec()))
    assert found.problems == []
    assert found.train_sizes is not None and found.train_sizes.tolist() == [[40, 60]]  # one image has a box to learn
    drawn = check_data(DataSpec(train={"a": ShapesSpec(count=2, size=64), "b": ShapesSpec(count=1)}))
    assert drawn.problems == []
    assert drawn.train_sizes is not None and drawn.train_sizes.tolist() == [[64, 64], [64, 64], [128, 128]]


def test_a_missing_folder_is_one_environment_problem(tmp_path):
    spec = DataSpec(train={"a": {"type": "Voc", "folder": tmp_path / "nowhere", "split": "train"}})
    found = check_data(spec)
    (problem,) = found.problems
    assert (problem.path, problem.kind) == ("train.a.folder", "environment")
    assert "the folder does not exist" in problem.message
    assert found.train_sizes is None


def test_headers_are_opened(coco):
    (coco.images / "2.png").write_bytes(b"no image")
    problems = check_data(DataSpec(train=coco.spec(), val=coco.spec())).problems
    assert [problem.path for problem in problems] == ["train.images", "val.images"]
    assert all("2.png: not an image that can be read" in problem.message for problem in problems)


def test_training_and_evaluation_must_agree_on_classes(coco):
    spec = DataSpec(train=coco.spec(classes=("cat", "dog")), val=coco.spec())
    (problem,) = check_data(spec).problems
    assert problem.path == "train"
    assert "train has cat, dog; val has dog, cat" in problem.message


def test_a_file_that_may_not_be_read_is_a_sentence(coco, monkeypatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (problem,) = check_data(DataSpec(train={"my cats": coco.spec()})).problems
    assert (problem.path, problem.kind) == ('train."my cats"', "environment")
    assert problem.message == f"{coco.file}: cannot be read: Permission denied"


def test_a_folder_where_a_file_belongs_is_called_one(coco, voc):
    coco.file.unlink()
    coco.file.mkdir()
    (voc.folder / "ImageSets/Main/val.txt").mkdir()
    voc_spec = {"type": "Voc", "folder": voc.folder, "split": "val"}
    found = check_data(DataSpec(train={"a": coco.spec(), "b": voc_spec})).problems
    assert [(problem.path, problem.kind, problem.message) for problem in found] == [
        ("train.a.annotations", "environment", f"{coco.file}: is a folder, and a JSON file is needed"),
        ("train.b.split", "environment",
         f"{voc.folder}: ImageSets/Main/val.txt is a folder, and a list of names is needed"),
    ]  # fmt: skip
