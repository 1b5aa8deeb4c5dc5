import os
import threading
import time
from pathlib import Path

import pytest

from app.launching import starts as starting
from app.launching.starts import Starts, Unclear, is_request, new_request

WHAT = ["specdet", "launch", "a.toml"]


@pytest.fixture
def starts(tmp_path):
    return Starts(folder=tmp_path / "starts")


def test_a_request_that_is_made_at_the_same_time_from_many_windows_starts_one_run(starts):
    request, started, answers = new_request(), [], []

    def start() -> Path:
        time.sleep(0.2)
        started.append(1)
        return Path("/runs/one")

    windows = [threading.Thread(target=lambda: answers.append(starts.once(request, WHAT, start))) for _ in range(8)]
    for window in windows:
        window.start()
    for window in windows:
        window.join()
    assert len(started) == 1 and answers == [Path("/runs/one")] * 8
    assert starts.run_of(request) == Path("/runs/one")
    assert starts.run_of(new_request()) is None


def test_a_start_that_was_refused_can_be_tried_again(starts):
    request = new_request()

    def refused() -> Path:
        raise ValueError("the devices are busy")

    with pytest.raises(ValueError, match="busy"):
        starts.once(request, WHAT, refused)
    assert starts.once(request, WHAT, lambda: Path("/runs/two")) == Path("/runs/two")


def test_a_window_that_was_killed_while_it_started_leaves_that_unclear(starts, monkeypatch):
    monkeypatch.setattr(starting, "PATIENCE", 0.2)
    request = new_request()
    starts.folder.mkdir()
    (starts.folder / f"{request}.json").write_text('{"v": 1}')
    with pytest.raises(Unclear, match="see whether Runs has it"):
        starts.once(request, WHAT, lambda: Path("/runs/never"))


def test_the_same_from_another_window_is_found_for_a_while(starts):
    first, second = new_request(), new_request()
    starts.once(first, WHAT, lambda: Path("/runs/one"))
    assert starts.like(second, WHAT, within=30.0) == Path("/runs/one")
    assert starts.like(second, [*WHAT, "seed=1"], within=30.0) is None
    assert starts.like(first, WHAT, within=30.0) is None
    long_ago = time.time() - 31
    os.utime(starts.folder / f"{first}.json", (long_ago, long_ago))
    assert starts.like(second, WHAT, within=30.0) is None


def test_old_requests_are_forgotten(starts):
    starts.forget_old()
    old, new = new_request(), new_request()
    for request in (old, new):
        starts.once(request, WHAT, lambda: Path("/runs/one"))
    os.utime(starts.folder / f"{old}.json", (1.0, 1.0))
    starts.forget_old()
    assert starts.run_of(old) is None and starts.run_of(new) is not None


@pytest.mark.parametrize("text", ["", "../../etc/passwd", "0" * 15, "0" * 17, "g" * 16, "0" * 15 + "\n", None])
def test_what_is_no_request_is_told_apart(text):
    assert not is_request(text)
    assert is_request(new_request())
