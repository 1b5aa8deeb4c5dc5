import sys

import numpy as np
import pytest

from app.browsing import set_job, shelf
from app.browsing.set_job import SetJob, annotation_bytes
from app.browsing.sets import sets_of
from app.browsing.shelf import Shelf
from specdet.experiment import load


@pytest.fixture
def experiment(coco):
    """COCO's schedule on a small set."""
    overrides = [f"data.{name}.{key}={value}" for name in ("train", "val")
                 for key, value in (("images", coco.images), ("annotations", coco.file))]  # fmt: skip
    return load("specdet:coco/rpn_r50_fpn_1x.toml", [*overrides, f"data.root={coco.images.parent}"])


def test_another_process_reads_what_this_one_would(experiment, coco, roots, monkeypatch):
    coco.data["annotations"].append({"id": 9, "image_id": 13, "category_id": 2, "bbox": [500, 500, 9, 9]})
    coco.write()
    named = sets_of(experiment.data)["val"]
    here = SetJob(experiment, named, folders=roots.folders)
    assert (here.is_apart, here.wait(0)) == (False, True)
    monkeypatch.setattr(set_job, "LARGE", 10)
    there = SetJob(experiment, named, folders=roots.folders)
    assert there.is_apart
    assert there.wait(60)
    assert here.opened is not None and there.opened is not None
    assert there.opened.findings == here.opened.findings
    assert len(here.opened.findings) == 1
    one, other = here.opened.columns, there.opened.columns
    assert one is not None and other is not None
    assert (other.classes, other.folder) == (one.classes, one.folder)
    for name in ("ids", "names", "sizes", "ends", "boxes", "labels", "crowd", "area"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert there.opened.reader is not None
    assert there.opened.reader.image(0).shape == (3, 40, 60)


def test_the_other_process_stays_in_the_roots(experiment, roots, tmp_path, monkeypatch):
    monkeypatch.setattr(set_job, "LARGE", 10)
    job = SetJob(experiment, sets_of(experiment.data)["train"], folders=[tmp_path / "elsewhere"])
    assert job.wait(60)
    assert job.opened is not None
    assert job.opened.reader is None
    assert [each.what for each in job.opened.findings] == ["files outside of the folders that may be read"]


def test_a_process_that_dies_is_a_problem(experiment, roots, monkeypatch):
    monkeypatch.setattr(set_job, "LARGE", 10)
    monkeypatch.setattr(
        set_job, "read_argv", lambda *_, **__: [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    )
    job = SetJob(experiment, sets_of(experiment.data)["train"], folders=roots.folders)
    assert job.wait(60)
    assert job.opened is not None
    assert "exit code -9" in job.opened.findings[0].what
    assert not job.opened.is_usable


def test_a_reading_can_be_ended(experiment, roots, monkeypatch):
    monkeypatch.setattr(set_job, "LARGE", 10)
    monkeypatch.setattr(set_job, "read_argv", lambda *_, **__: [sys.executable, "-c", "import time; time.sleep(600)"])
    job = SetJob(experiment, sets_of(experiment.data)["train"], folders=roots.folders)
    job.cancel()
    assert job.wait(20)
    assert job.opened is not None and job.opened.reader is None


def test_the_size_of_a_set_is_told_before_it_is_read(experiment, coco):
    assert annotation_bytes(sets_of(experiment.data)["train"]) == coco.file.stat().st_size


def test_a_set_is_read_once_until_its_file_changes(experiment, coco, roots):
    kept, named = Shelf(), sets_of(experiment.data)["train"]
    key, job = kept.get(experiment, named, roots=roots)
    assert kept.get(experiment, named, roots=roots) == (key, job)
    coco.data["images"].pop()
    coco.write()
    changed, other = kept.get(experiment, named, roots=roots)
    assert (changed == key, other is job) == (False, False)
    kept.forget(changed)
    assert kept.get(experiment, named, roots=roots)[1] is not other


def test_the_shelf_has_an_end(experiment, roots, monkeypatch):
    monkeypatch.setattr(shelf, "KEPT", 1)
    kept, sets = Shelf(), sets_of(experiment.data)
    _, first = kept.get(experiment, sets["train"], roots=roots)
    kept.get(experiment, sets["val"], roots=roots)
    assert kept.get(experiment, sets["train"], roots=roots)[1] is not first
