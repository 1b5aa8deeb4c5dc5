import os

import pytest

from specdet.runs import files
from specdet.runs.files import read_json, write_json, write_text


def test_json_is_read_back(tmp_path):
    path = tmp_path / "a.json"
    for value in ({"a": [1, 2.5, None]}, {"b": "ü"}):
        write_json(path, value)
        assert read_json(path) == value
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_text(tmp_path, monkeypatch, failing):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(files.os, failing, fail)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_a_durable_write_waits_for_file_then_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
    monkeypatch.setattr(files.os, "replace", lambda *args: (calls.append("replace"), replace(*args)))
    write_text(tmp_path / "a", "x")
    assert calls == ["fsync", "replace", "fsync"]
    calls.clear()
    write_text(tmp_path / "a", "x", durable=False)
    assert calls == ["replace"]


def test_what_json_cannot_say_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    (tmp_path / "b.json").write_text('{"half": ')
    with pytest.raises(ValueError, match=r"b\.json is not a JSON file"):
        read_json(tmp_path / "b.json")
