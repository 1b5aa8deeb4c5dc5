"""Trainings, as a user starts them, on files some of which are broken."""

import pytest
from PIL import Image
from small_training import events, run_of, train, write_spec

from specdet.cli import main
from specdet.data.shapes import Shapes
from specdet.data.spec import ShapesSpec
from specdet.data.writing.convert import convert


@pytest.fixture
def arguments(tmp_path) -> list[str]:
    """Of a training on 24 files, two of which are broken, and an evaluation on five, one of which is."""
    sets = {"train": ShapesSpec(count=24, size=64), "val": ShapesSpec(count=5, seed=1, size=64)}
    convert({name: Shapes(spec) for name, spec in sets.items()}, to="coco", folder=tmp_path / "data")
    for broken in ("train/000003", "train/000017", "val/000002"):
        (tmp_path / f"data/images/{broken}.png").write_bytes(b"not an image")
    files = [
        f"data.{name}={{type='Coco', images='{tmp_path}/data/images/{name}', "
        f"annotations='{tmp_path}/data/annotations/{name}.json', min_size=0}}"
        for name in sets
    ]
    return [*write_spec(tmp_path), *files, "data.workers_per_device=1"]


def warnings_of(run) -> list[str]:
    return [event["data"]["message"] for event in events(run, "log") if event["data"]["level"] == "warning"]


def test_bad_images_are_left_out_and_told(arguments, tmp_path, caplog, capsys):
    done = train(tmp_path, *arguments, "data.on_bad_image=skip", "data.max_bad_share=0.2", "train.max_epochs=4")
    assert done.returncode == 0, done.stderr
    run = run_of(tmp_path)
    told = warnings_of(run)
    assert sorted(each.partition(":")[0] for each in told) == ["left out of train"] * 2 + ["left out of val"]
    for broken in ("train/000003", "train/000017", "val/000002"):
        assert sum(f"images/{broken}.png: the image cannot be decoded" in each for each in told) == 1
    for each in told:
        assert each in done.stderr + done.stdout
    evaluate = ["eval", str(run), "--json", "--plugin", str(tmp_path / "slow.py")]
    assert main(evaluate) == 0
    assert "counts as an image in which nothing was found" in caplog.text and "val/000002.png" in caplog.text
    assert main([*evaluate, "data.max_bad_share=0.1"]) == 1
    assert "data.max_bad_share: 1 of the 5 images of data.val cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize("processes", [1, 2])
def test_too_many_end_the_training_on_all_ranks_with_a_sentence(arguments, tmp_path, processes):
    arguments.append(f"data.images_per_device={4 // processes}")
    done = train(tmp_path, *arguments, "data.on_bad_image=skip", "data.max_bad_share=0.05", processes=processes)
    assert done.returncode == 1
    assert (
        "data.max_bad_share: 2 of the 24 images of data.train cannot be used, and 0.05 of them at most" in done.stderr
    )
    (error,) = events(run_of(tmp_path), "error")
    assert error["data"]["message"].startswith("data.max_bad_share: 2 of the 24 images")


@pytest.mark.parametrize("broken", ["train", "val"])
def test_without_the_policy_the_first_one_ends_the_training(arguments, tmp_path, broken):
    """Whoever met it: training or an evaluation, in a process that loads images."""
    whole = {"train": "val", "val": "train"}[broken]
    for path in (tmp_path / "data/images" / whole).iterdir():
        if path.read_bytes() == b"not an image":
            Image.new("RGB", (64, 64)).save(path)
    done = train(tmp_path, *arguments)
    assert done.returncode == 1
    (error,) = events(run_of(tmp_path), "error")
    assert error["data"]["message"].startswith(f"{tmp_path}/data/images/{broken}/0000")
    assert "the image cannot be decoded" in error["data"]["message"] and "\n" not in error["data"]["message"]
    assert "dataset.py" not in done.stderr  # the traceback of the launcher, which ends as its process did, is all
