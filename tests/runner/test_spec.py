import pytest

from specdet.runner.spec import CheckpointHookSpec, EMAHookSpec, PeriodSpec, TrainSpec, enabled_hooks
from specdet.spec import SpecError
from specdet.spec.dump import to_table
from specdet.spec.structure import structure


def test_twelve_epochs_unless_said_otherwise():
    assert (TrainSpec().max_epochs, TrainSpec().max_iters) == (12, None)
    assert (TrainSpec(max_iters=5).max_epochs, TrainSpec(max_iters=5).max_iters) == (None, 5)
    assert to_table(TrainSpec())["max_epochs"] == 12


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"max_epochs": 1, "max_iters": 1}, "max_iters: say either max_iters or max_epochs"),
        ({"workflow": [["val", 1]]}, "workflow: nothing would be trained"),
        ({"workflow": [["trian", 1]]}, "workflow.0.0: "),
        ({"workflow": [["train", 0]]}, "workflow.0.1: must be at least 1, got 0"),
        ({"workflow": []}, "workflow: needs at least 1 item"),
        ({"load_from": "a", "resume_from": "b"}, "load_from: resume_from brings its own weights"),
        ({"log_every": {"iters": 5, "epochs": 1}}, "log_every: say either iters or epochs: both are given"),
        ({"log_every": {}}, "neither is given"),
        ({"accumulate": 0}, "accumulate: must be at least 1"),
        ({"threads_per_process": "all"}, "threads_per_process: expected a whole number or"),
    ],
)
def test_problems(table, message):
    with pytest.raises(SpecError) as found:
        structure(table, TrainSpec)
    assert message in str(found.value)


def test_what_was_dumped_is_read_back():
    spec = TrainSpec(workflow=(("train", 2), ("val", 1)), log_every=PeriodSpec(epochs=1), threads_per_process=2)
    assert structure(to_table(spec), TrainSpec) == spec
    assert structure(to_table(CheckpointHookSpec()), CheckpointHookSpec) == CheckpointHookSpec()


def test_periods():
    assert [iter for iter in range(1, 10) if PeriodSpec(iters=3).after_iter(iter)] == [3, 6, 9]
    assert [epoch for epoch in range(1, 5) if PeriodSpec(epochs=2).after_epoch(epoch)] == [2, 4]
    assert not PeriodSpec(iters=1).after_epoch(1) and not PeriodSpec(epochs=1).after_iter(1)


def test_a_length_is_needed():
    with pytest.raises(SpecError, match="max_epochs: say max_epochs or max_iters"):
        TrainSpec(max_epochs=None)


def test_hooks_take_part_unless_disabled():
    hooks = {"last": EMAHookSpec(enabled=False), "first": CheckpointHookSpec(), "plugin": PeriodSpec(iters=1)}
    assert list(enabled_hooks(hooks)) == ["first", "plugin"]
    assert to_table(hooks["last"])["enabled"] is False
