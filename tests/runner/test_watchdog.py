"""The watchdog, with a clock and stacks of the test's own."""

import json
from traceback import FrameSummary

import pytest

from specdet.runner import watchdog
from specdet.runner.watchdog import Point, Watchdog, point_of, sentence

USER = FrameSummary("/home/me/my_hook.py", 12, "after_train_iter")
LOOP = FrameSummary("/home/me/specdet/runner/runner.py", 250, "train")
SLEEP = FrameSummary("/usr/lib/python3.11/socket.py", 718, "readinto")
REDUCE = FrameSummary("/venv/lib/python3.11/site-packages/torch/distributed/distributed_c10d.py", 90, "all_reduce")
BACKWARD = FrameSummary("/venv/lib/python3.11/site-packages/torch/autograd/graph.py", 7, "_engine_run_backward")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    return clock


class Rank:
    """A process that is watched: where it is, and what its watchdog has said."""

    def __init__(self, folder, rank: int, *, world_size: int, monkeypatch=None):
        self.position, self.said, self.stack = 0, [], [LOOP, USER, SLEEP]
        self.dog = Watchdog(
            lambda: self.position, timeout=100.0, folder=folder, rank=rank, world_size=world_size, attempt=2,
            on_hang=self.said.append,
        )  # fmt: skip
        self.dog._stack = lambda: self.stack


def test_only_what_does_not_move_for_so_long_hangs(tmp_path, clock):
    rank = Rank(tmp_path, 0, world_size=1)
    for _ in range(50):
        rank.position += 1
        rank.dog.look()
        clock.now += 99
        rank.dog.look()
    assert not rank.said
    clock.now += 1
    rank.dog.look()
    rank.dog.look()
    (said,) = rank.said
    assert said.startswith(
        "the training has not moved for 100 s: rank 0 is at after_train_iter (/home/me/my_hook.py:12)"
    )
    assert "readinto" in said and "train.hang_timeout" in said


def test_the_rank_that_is_stuck_is_named_and_those_that_wait_for_it(tmp_path, clock):
    ranks = [Rank(tmp_path, number, world_size=3) for number in range(3)]
    ranks[0].stack, ranks[2].stack = [LOOP, BACKWARD], [LOOP, REDUCE]
    for step in (0, 60, 40):
        clock.now += step
        for rank in ranks:
            rank.dog.look()
    for rank in ranks:
        (said,) = rank.said
        assert "rank 1 is at after_train_iter (/home/me/my_hook.py:12)" in said
        assert "ranks 0, 2 wait for it, at train (/home/me/specdet/runner/runner.py:250), in _engine_run_back" in said


def test_a_rank_that_says_nothing_is_the_one(tmp_path, clock):
    (tmp_path / "stalled").mkdir()
    old = {"v": 1, "attempt": 1, "rank": 1, "at": "elsewhere", "waits": False, "stack": []}
    (tmp_path / "stalled" / "rank_00001.json").write_text(json.dumps(old))
    rank = Rank(tmp_path, 0, world_size=2)
    rank.stack = [LOOP, REDUCE]
    for step in (0, 60, 40):
        clock.now += step
        rank.dog.look()
    assert "rank 1 says nothing: it is stuck in native code, or gone; rank 0 waits for it" in rank.said[0]
    assert "elsewhere" not in rank.said[0]


def test_what_moves_again_takes_back_what_it_has_said(tmp_path, clock):
    rank = Rank(tmp_path, 0, world_size=1)
    rank.dog.look()
    clock.now += 60
    rank.dog.look()
    told = tmp_path / "stalled" / "rank_00000.json"
    assert json.loads(told.read_text())["stack"][-1] == "readinto (/usr/lib/python3.11/socket.py:718)"
    rank.position += 1
    rank.dog.look()
    assert not told.exists()


def test_who_stands_in_a_debugger_is_let_be(tmp_path, clock):
    rank = Rank(tmp_path, 0, world_size=1)
    rank.stack = [LOOP, FrameSummary("/usr/lib/python3.11/bdb.py", 90, "trace_dispatch")]
    rank.dog.look()
    clock.now += 1000
    rank.dog.look()
    assert not rank.said


def test_a_place_is_told_by_the_innermost_line_of_ones_own():
    assert point_of([LOOP, USER], rank=3) == Point(rank=3, at="after_train_iter (/home/me/my_hook.py:12)", waits=False)
    installed = FrameSummary("/venv/lib/python3.11/site-packages/specdet/data/images.py", 9, "read_image")
    assert point_of([installed, SLEEP], rank=0).at.startswith("read_image (/venv")
    assert point_of([], rank=0).at == "no place"
    assert point_of([SLEEP], rank=0).at == "readinto (/usr/lib/python3.11/socket.py:718)"


def test_code_below_what_shares_gradients_does_not_wait():
    ddp = FrameSummary("/venv/lib/python3.11/site-packages/torch/nn/parallel/distributed.py", 5, "forward")
    below = [
        FrameSummary(f"/venv/lib/python3.11/site-packages/torch/nn/m{number}.py", 1, "call") for number in range(3)
    ]
    assert point_of([LOOP, ddp], rank=0).waits
    assert not point_of([LOOP, ddp, *below], rank=0).waits


def test_where_all_wait_none_is_blamed():
    points = [Point(rank=rank, at=f"place {rank}", waits=True) for rank in range(2)]
    said = sentence(points, silent=[], stalled=5)
    assert "rank 0 waits at place 0; rank 1 waits at place 1; all wait for each other" in said
