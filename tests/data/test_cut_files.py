"""Annotation files cut off at any byte: told with their name, or read as what is left of them says.

`tests/fuzzing/annotations.py` holds the sets, and reads a second time what was read.
"""

from random import Random

import pytest

from tests.fuzzing.annotations import Coco, Voc, Yolo


@pytest.mark.parametrize("kind", [Coco, Voc, Yolo])
def test_a_file_cut_at_any_byte_is_told_or_what_is_left_is_right(tmp_path, kind):
    files = kind(tmp_path)
    for path, whole in files.files.items():
        outcomes = [files.outcome(path, whole[:end], Random(end)) for end in range(len(whole) + 1)]
        assert outcomes[-1] == "read"
        if path.suffix in (".json", ".xml"):
            text = whole.rstrip()
            assert {*outcomes[: len(text)]} == {"told"}, "half a document is none"
        if path.suffix == ".yaml":  # `nc` and `names` must agree
            assert {*outcomes[: whole.index(b"dog") + len("dog'")]} == {"told"}
