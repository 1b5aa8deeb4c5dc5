"""Text, events and TensorBoard tell the same story."""

import json
import logging
import sys

import pytest
from toy_training import toy_loader, toy_runner

from specdet.runner.spec import PeriodSpec


def run(work_dir, hooks, *, fail=False):
    runner = toy_runner(work_dir, log_every=PeriodSpec(iters=2))
    runner.register_training_hooks(optimizer={}, checkpoint={})
    for name, hook in hooks.items():
        runner.register_hook(hook, name=name)
    runner.register_hook({"type": "Evaluation"}, name="evaluate")

    def evaluate():
        if fail:
            raise RuntimeError("no luck")
        return {"bbox/AP": 0.25 * runner.epoch, "bbox/APl": float("nan")}

    runner.evaluate = evaluate
    runner.run([toy_loader(size=12, batch=4), toy_loader(size=12, batch=4)], [("train", 1), ("val", 1)], 2)
    return runner


def read(work_dir):
    return [json.loads(line) for line in (work_dir / "events.jsonl").read_text().splitlines()]


def test_events_tell_the_run(tmp_path):
    run(tmp_path, {"events": {"type": "Events"}})
    events = read(tmp_path)
    assert [event["seq"] for event in events] == list(range(len(events)))
    windows = [event for event in events if event["kind"] == "metric"]
    assert [(event["step"], event["epoch"]) for event in windows] == [(2, 0), (3, 1), (4, 1), (6, 1)]
    assert set(windows[0]["data"]) == {
        "loss", "loss/error", "weight", "lr", "time", "data_time", "images_per_s", "host_memory",
    }  # fmt: skip
    evaluations = [event for event in events if event["kind"] == "eval"]
    assert [event["data"].get("bbox/AP") for event in evaluations] == [0.25, None, 0.5, None]
    assert evaluations[0]["data"]["bbox/APl"] is None and evaluations[0]["nonfinite"] == ["bbox/APl"]
    assert set(evaluations[1]["data"]) == {"val/loss", "val/loss/error", "val/weight"}
    assert [event["data"]["path"] for event in events if event["kind"] == "checkpoint"] == [
        "checkpoints/iter_00000003", "checkpoints/iter_00000006",
    ]  # fmt: skip
    phases = [event["data"]["phase"] for event in events if event["kind"] == "phase"]
    assert phases[:2] == ["prepare", "train"] and {"eval", "save"} < set(phases)
    assert events[-1]["data"]["message"] == "training ended at iter 6: complete"


def test_throughput_is_of_the_images_and_the_time_of_its_window(tmp_path):
    run(tmp_path, {"events": {"type": "Events"}})
    windows = [event["data"] for event in read(tmp_path) if event["kind"] == "metric"]
    steps, batch = (2, 1, 1, 2), 4  # of the windows that end at steps 2, 3, 4 and 6
    images = [data["images_per_s"] * data["time"] * count for data, count in zip(windows, steps, strict=True)]
    assert images == pytest.approx([batch * count for count in steps])


def test_progress_has_the_last_and_the_best(tmp_path):
    run(tmp_path, {"events": {"type": "Events", "heartbeat": 1e-9}})
    progress = json.loads((tmp_path / "progress.json").read_text())
    assert (progress["iter"], progress["max_iters"], progress["epoch"], progress["max_epochs"]) == (6, 6, 2, 2)
    assert progress["last"]["bbox/AP"] == 0.5 and progress["last"]["bbox/APl"] is None
    assert progress["best"]["bbox/AP"] == {"value": 0.5, "iter": 6}
    assert progress["best"]["val/loss"]["value"] <= progress["last"]["val/loss"]


def test_errors_are_events(tmp_path):
    with pytest.raises(RuntimeError, match="no luck"):
        run(tmp_path, {"events": {"type": "Events"}}, fail=True)
    assert read(tmp_path)[-1]["data"] == {"type": "RuntimeError", "message": "no luck"}


def test_text_has_a_line_for_each_window_and_evaluation(tmp_path, caplog):
    logging.getLogger("specdet").addHandler(caplog.handler)
    run(tmp_path, {"log": {"type": "TextLog"}})
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("epoch 0 iter 2/6  eta 0:00:00  loss/error ") for line in lines)
    assert sum("metrics  bbox/AP" in line for line in lines) == 2
    assert sum("metrics  val/" in line for line in lines) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_has_the_scalars(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tmp_path, {"tensorboard": {"type": "TensorBoard"}})
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("bbox/AP")] == [(3, 0.25), (6, 0.5)]
    assert [event.step for event in events.Scalars("loss")] == [2, 3, 4, 6]


def test_a_missing_tensorboard_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match=r"pip install 'specdet\[tensorboard\]'"):
        toy_runner().build_hook({"type": "TensorBoard"})
