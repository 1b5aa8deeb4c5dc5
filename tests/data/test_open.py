import subprocess
import sys

import numpy as np
import pytest

from specdet.data.findings import Findings
from specdet.data.images import read_pixels
from specdet.data.open import open_reader
from specdet.data.record import COLUMNS, RecordTable
from specdet.data.shapes import Shapes
from specdet.data.spec import ShapesSpec
from specdet.spec import Spec, SpecError, spec
from specdet.spec.fields import field


@spec
class DrawnSpec(Spec):
    """A data set of a plugin, with a path of its own."""

    builds = "tests.data.test_open:draw"
    file: str = field("", help="Not a path.")


def draw(spec: DrawnSpec, *, training: bool, headers: bool = False) -> Shapes:
    return Shapes(ShapesSpec(count=3), training=training, headers=headers)


def test_what_is_found_is_given_to_who_asks_and_nothing_is_raised(coco):
    coco.data["annotations"][0]["bbox"] = [500, 500, 9, 9]
    coco.write()
    with pytest.raises(SpecError):
        coco.spec().build(training=False)
    findings = Findings("here")
    reader = open_reader(coco.spec(), training=False, findings=findings)
    assert len(reader) == 3
    ((weight, path, items),) = [(each.weight, each.path, len(each.items)) for each in findings.found]
    assert (weight, path, items) == ("problem", "annotations", 1)
    with pytest.raises(SpecError, match="here: boxes that lie mostly outside"):
        findings.settle()


def test_readers_of_plugins_need_know_nothing_of_findings():
    assert len(open_reader(DrawnSpec(), training=True, findings=Findings("here", folders=[]))) == 3


def test_without_folders_everything_may_be_opened(tmp_path):
    assert Findings("here").may_open(tmp_path, path="x")
    assert not Findings("here").is_bounded


def test_a_name_that_no_file_can_have_is_outside(tmp_path):
    findings = Findings("here", folders=[tmp_path])
    assert findings.may_open(tmp_path / "a", path="x")
    assert not findings.may_open(tmp_path / "a\0b", path="x")
    assert findings.any_wrong


def test_a_table_comes_back_from_its_arrays(coco):
    table = coco.spec().build(training=False).table
    again = RecordTable.of_arrays(table.arrays(), folder=table.folder)
    assert set(table.arrays()) == set(COLUMNS)
    assert len(again) == 3
    for index in range(3):
        one, other = table[index], again[index]
        assert (one.image_id, one.path, one.height, one.width) == (
            other.image_id,
            other.path,
            other.height,
            other.width,
        )
        assert np.array_equal(one.boxes, other.boxes)


def test_pixels_are_those_of_the_image(coco):
    reader = coco.spec().build(training=False)
    assert np.array_equal(read_pixels(coco.images / "0.png"), coco.pixels[0])
    assert np.array_equal(reader.image(0).permute(1, 2, 0).numpy(), coco.pixels[0])
    shapes = Shapes(ShapesSpec(count=2))
    assert np.array_equal(shapes.image(1).permute(1, 2, 0).numpy(), shapes.pixels(1))


def test_data_can_be_looked_at_without_torch():
    script = (
        "import sys\nfrom specdet.data import coco, open, shapes, voc\n"
        "from specdet.data.spec import ShapesSpec\nshapes.Shapes(ShapesSpec(count=2)).pixels(1)\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
