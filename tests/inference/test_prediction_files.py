import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from specdet.inference.prediction_files import KnownIds, PredictionFiles, claim_folder
from specdet.spec import SpecError
from specdet.structures import Detections


def found(**fields):
    return Detections(
        boxes=torch.tensor([[1.5, 2, 11.5, 6], [0, 0, 3, 4]]),
        scores=torch.tensor([0.875, 0.25]),
        labels=torch.tensor([1, 0]),
        class_names=("cat", "dog"),
        **fields,
    )


def test_files_say_what_was_found_where(tmp_path):
    with PredictionFiles(tmp_path / "out", class_names=("cat", "dog")) as files:
        files.add(found(), name="a,b.jpg", size=(20, 30))
        files.add(found().above(1.0), name="empty.jpg", size=(5, 5))
        files.add(found().above(0.5), name="clip.mp4", size=(20, 30), frame=4)
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert results[0] == {"image_id": 1, "category_id": 1, "bbox": [1.5, 2, 10, 4], "score": 0.875}
    assert [each["image_id"] for each in results] == [1, 1, 3]
    table = json.loads((tmp_path / "out/images.json").read_text())
    assert table["images"] == [
        {"id": 1, "file_name": "a,b.jpg", "width": 30, "height": 20},
        {"id": 2, "file_name": "empty.jpg", "width": 5, "height": 5},
        {"id": 3, "file_name": "clip.mp4", "width": 30, "height": 20, "frame": 4},
    ]
    assert table["categories"] == [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    rows = [*csv.DictReader((tmp_path / "out/detections.csv").read_text().splitlines())]
    assert rows[0] == {"image": "a,b.jpg", "frame": "", "name": "dog", "score": "0.87500", "x1": "1.50", "y1": "2.00",
                       "x2": "11.50", "y2": "6.00"}  # fmt: skip
    assert [row["frame"] for row in rows] == ["", "", "4"]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_masks_are_run_lengths_that_coco_reads(tmp_path):
    from pycocotools import mask as coco_mask

    masks = torch.zeros(2, 20, 30, dtype=torch.bool)
    masks[0, 2:6, 2:11] = True
    with PredictionFiles(tmp_path, class_names=("cat", "dog")) as files:
        files.add(found(masks=masks), name="a.jpg", size=(20, 30))
    results = json.loads((tmp_path / "results.json").read_text())
    assert np.array_equal(coco_mask.decode(results[0]["segmentation"]), masks[0].numpy())
    assert coco_mask.area(results[1]["segmentation"]) == 0


def test_what_is_broken_off_can_be_read(tmp_path):
    with pytest.raises(KeyboardInterrupt), PredictionFiles(tmp_path, class_names=("cat", "dog")) as files:
        files.add(found(), name="a.jpg", size=(20, 30))
        raise KeyboardInterrupt
    assert len(json.loads((tmp_path / "results.json").read_text())) == 2
    assert len(json.loads((tmp_path / "images.json").read_text())["images"]) == 1


def test_ids_are_those_of_the_annotations(tmp_path):
    file = tmp_path / "truth.json"
    images = [{"id": 7, "file_name": "x/a.jpg"}, {"id": 8, "file_name": "b.jpg"}]
    file.write_text(json.dumps({"images": images, "categories": [{"id": 3, "name": "dog"}, {"id": 9, "name": "cat"}]}))
    ids = KnownIds.read(file)

    assert [ids.of_image(Path(name)) for name in ("x/a.jpg", "y/b.jpg", "a.jpg")] == [7, 8, None]
    assert ids.of_classes(("cat", "dog"), gives_classes=True) == [9, 3]
    assert ids.of_classes(("object",), gives_classes=False) == [3]
    with pytest.raises(SpecError, match="no category called bird"):
        ids.of_classes(("cat", "bird"), gives_classes=True)
    file.write_text("[]")
    with pytest.raises(SpecError, match="is no COCO file"):
        KnownIds.read(file)
    with pytest.raises(SpecError, match="does not exist"):
        KnownIds.read(tmp_path / "none.json")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    claim_folder(tmp_path / "new", force=False)
    claim_folder(tmp_path, force=False)
    (tmp_path / "mine").touch()
    with pytest.raises(SpecError, match="is not empty: name another folder, or say --force"):
        claim_folder(tmp_path, force=False)
    claim_folder(tmp_path, force=True)
    with pytest.raises(SpecError, match="is a file: name a folder"):
        claim_folder(tmp_path / "mine", force=True)
