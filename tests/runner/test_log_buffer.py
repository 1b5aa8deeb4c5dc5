import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st

from specdet.runner.log_buffer import FOLD_AT, LogBuffer


@pytest.fixture
def buffer() -> LogBuffer:
    return LogBuffer(Accelerator(cpu=True))


@given(st.lists(st.tuples(st.floats(-1e3, 1e3, width=32), st.integers(1, 64)), min_size=1, max_size=3 * FOLD_AT))
def test_average_is_weighted_by_samples(rows):
    buffer = LogBuffer(Accelerator(cpu=True))
    for value, count in rows:
        buffer.update({"loss": torch.tensor(value), "host": value}, count)
    values, counts = np.array(rows).T
    expected = (values * counts).sum() / counts.sum()
    tolerance = 1e-5 * np.abs(values).max() + 1e-6
    assert buffer.average() == pytest.approx({"loss": expected, "host": expected}, abs=tolerance)
    assert buffer.ready and not buffer.pending and not buffer.nonfinite


def test_names_may_come_apart_and_late(buffer):
    buffer.update({"a": torch.tensor(1.0), "b": 2.0}, 1)
    buffer.update({"a": torch.tensor(4.0)}, 2)
    buffer.update({"c": torch.tensor(5.0, dtype=torch.bfloat16)}, 7)
    assert buffer.average() == {"a": 3.0, "b": 2.0, "c": 5.0}
    buffer.update({"c": 1.0}, 1)
    assert buffer.average() == {"c": 1.0}


def test_samples_are_counted_once_however_many_names_they_have(buffer):
    buffer.update({"a": 1.0, "b": torch.tensor(2.0)}, 3)
    buffer.update({"a": 1.0}, 2)
    buffer.average()
    assert buffer.samples == 5
    buffer.clear_output()
    assert buffer.samples == 0


def test_what_is_not_finite_is_counted_by_name(buffer):
    for value in (1.0, float("nan"), 2.0, float("inf")):
        buffer.update({"loss": torch.tensor(value), "other": torch.tensor(0.0)}, 2)
    assert buffer.peek_nonfinite() == {"loss": 2}
    assert buffer.pending
    buffer.average()
    assert buffer.nonfinite == {"loss": 2} and buffer.output["other"] == 0.0


def test_the_host_reads_once_a_window(buffer, monkeypatch):
    reads = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__"):
        original = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor,
            name,
            lambda self, *args, _original=original, _name=name: (reads.append(_name), _original(self, *args))[1],
        )
    reductions = []
    reduce = buffer._accelerator.reduce
    monkeypatch.setattr(
        buffer._accelerator, "reduce", lambda *args, **kwargs: (reductions.append(1), reduce(*args, **kwargs))[1]
    )
    for _ in range(2 * FOLD_AT + 3):
        buffer.update({"loss": torch.ones(()), "other": torch.ones(())}, 4)
    assert reads == []
    buffer.average()
    assert reads == ["tolist"] and reductions == [1]


def test_values_that_are_overwritten_later_are_kept_as_they_were(buffer):
    static = torch.tensor(1.0)
    buffer.update({"loss": static}, 1)
    static.fill_(9.0)
    assert buffer.average() == {"loss": 1.0}


def test_clear_forgets_the_window(buffer):
    buffer.update({"loss": 3.0}, 1)
    buffer.average()
    buffer.update({"loss": 5.0}, 1)
    buffer.clear()
    assert buffer.output == {} and not buffer.ready and not buffer.pending
