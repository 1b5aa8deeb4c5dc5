import json

import pytest

from app.reading.origin import MOST_ROWS, moment, origin
from tests.runs.made import made


def test_what_meta_says_is_told_in_rows(tmp_path):
    host = {"memory": 2_000_000_000, "gpus": [{"name": "A"}]}
    git = {"commit": "ab", "dirty": True}
    meta = {"created": 0, "argv": ["specdet", "launch"], "git": git, "host": host, "parent": "", "hooks": ["a", "b"]}
    run = made(tmp_path, meta=meta)
    rows, problem = origin(run)
    found = dict(rows)
    assert problem == "" and found["argv"] == "specdet launch" and found["git.dirty"] == "True"
    assert found["host.memory"] == "2.0 GB" and found["host.gpus.0.name"] == "A" and found["hooks"] == "a; b"
    assert "parent" not in found and found["created"] == moment(0)


@pytest.mark.parametrize("text", ["", "[]", "{", "\0"])
def test_what_cannot_be_read_is_a_sentence(tmp_path, text):
    rows, problem = origin(made(tmp_path, meta=text))
    assert rows == [] and "meta.json" in problem


def test_strangers_cannot_make_a_table_without_end(tmp_path):
    nested: dict = {}
    inner = nested
    for _ in range(50):
        inner["k" * 500] = inner = {}
    rows, _ = origin(
        made(tmp_path, meta=json.dumps({"a": nested, **{f"k{number}": "x" * 9999 for number in range(1000)}}))
    )
    assert len(rows) <= MOST_ROWS and max(len(value) for _, value in rows) < 2100


def test_a_time_that_is_none_is_no_mistake():
    assert moment(1e300) == moment(float("inf")) == "at no time"
