import os
import signal

import pytest
from toy_training import toy_loader, toy_runner

from specdet.runner import signals
from specdet.runner.asks import Asks, exit_code
from specdet.runner.checkpoint import FOLDER, list_checkpoints
from specdet.runner.hooks.base import Hook
from specdet.runner.signals import StopSignals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_after_the_step_with_a_checkpoint(tmp_path, number, code):
    class Sends(Hook):
        def before_train_iter(self, runner):
            if runner.iter == 1:
                os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    runner = toy_runner(tmp_path)
    runner.register_training_hooks(optimizer={}, checkpoint={})
    runner.register_hook(Sends())
    runner.run([toy_loader()], [("train", 1)], 3)
    assert runner.iter == 2 and runner.exit_code == code
    assert [path.name for path in list_checkpoints(tmp_path / FOLDER)] == ["iter_00000002"]
    assert signal.getsignal(number) is before


def test_a_signal_during_validation_is_heeded_and_its_epoch_begins_again(tmp_path):
    class Sends(Hook):
        def after_val_iter(self, runner):
            if runner.inner_iter == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    runner = toy_runner(tmp_path)
    runner.register_training_hooks(optimizer={}, checkpoint={})
    runner.register_hook(Sends())
    loaders = [toy_loader(), toy_loader()]
    runner.run(loaders, [("train", 1), ("val", 1)], 1)
    assert runner.stop_reason == "SIGTERM" and runner.metrics == {} and runner.inner_iter == 1
    resumed = toy_runner(tmp_path)
    resumed.register_training_hooks(optimizer={}, checkpoint={})
    resumed.resume(tmp_path)
    assert (resumed.progress.entry, resumed.epoch) == (1, 1)
    resumed.run(loaders, [("train", 1), ("val", 1)], 1)
    assert resumed.epoch == 1 and set(resumed.metrics) == {"val/loss", "val/loss/error", "val/weight"}


def test_an_interrupt_that_a_launcher_passes_on_counts_once_a_later_one_ends_at_once(monkeypatch):
    now, raised = [100.0], []
    monkeypatch.setattr(signals.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(signals.signal, "raise_signal", raised.append)
    asks = Asks()
    with StopSignals(asks):
        os.kill(os.getpid(), signal.SIGINT)
        now[0] += 0.3
        os.kill(os.getpid(), signal.SIGINT)
        assert asks.names == {"SIGINT"} and raised == []
        now[0] += 2.0
        os.kill(os.getpid(), signal.SIGINT)
        assert raised == [signal.SIGINT] and signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_exit_codes():
    reasons = (None, "enough", "SIGTERM", "stop", "stop_now", "orphaned", "SIGINT")
    assert [exit_code(reason) for reason in reasons] == [0, 0, 75, 76, 76, 77, 130]
