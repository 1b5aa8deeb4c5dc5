import errno
import json

from toy_training import toy_loader, toy_runner

from specdet.runs.evaluations import FOLDER, file_name, read_details

MATRIX = {"confusion": {"matrix": [[1, 0], [0, 0]]}}


def run(work_dir, *, max_iters=6, resume=False, details=MATRIX, **options):
    runner = toy_runner(work_dir, **options)
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 4}})
    runner.register_hook({"type": "Evaluation", "every": {"iters": 3}}, name="evaluate")
    runner.register_hook({"type": "Events"}, name="events")

    def evaluate():
        runner.on_details(details)
        return {"bbox/AP": 0.5}

    runner.evaluate = evaluate
    if resume:
        runner.resume(work_dir)
    runner.run([toy_loader(size=12, batch=4)], [("train", 1)], max_iters=max_iters)
    return runner


def told(work_dir, kind):
    events = (json.loads(line) for line in (work_dir / "events.jsonl").read_text().splitlines())
    return [event["data"] for event in events if event["kind"] == kind]


def test_each_evaluation_keeps_what_its_evaluators_tell_and_says_where(tmp_path):
    run(tmp_path)
    assert read_details(tmp_path, iter=3) == read_details(tmp_path, iter=6) == MATRIX
    sizes = [(tmp_path / file_name(iter)).stat().st_size for iter in (3, 6)]
    assert told(tmp_path, "media") == [
        {"path": file_name(iter), "size": size} for iter, size in zip((3, 6), sizes, strict=True)
    ]


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path):
    run(tmp_path, max_iters=5)
    (tmp_path / FOLDER / "iter_00000005.json").rename(tmp_path / FOLDER / "iter_00000099.json")
    run(tmp_path, max_iters=7, resume=True)
    assert sorted(path.stem for path in (tmp_path / FOLDER).iterdir()) == [
        "iter_00000003", "iter_00000006", "iter_00000007",
    ]  # fmt: skip


def test_a_full_disk_costs_the_details_and_not_the_training(tmp_path, monkeypatch, capsys):
    def full(*args, **fields):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("specdet.runner.hooks.evaluation.write_details", full)
    runner = run(tmp_path)
    assert (runner.iter, runner.stop_reason) == (6, None)
    assert "details of the evaluation at iter 3 could not be kept: [Errno 28] No space left" in capsys.readouterr().err


def test_without_a_place_to_write_to_nothing_is_kept():
    runner = toy_runner(None)
    runner.register_training_hooks(optimizer={})
    runner.register_hook({"type": "Evaluation", "every": {"iters": 3}}, name="evaluate")
    runner.evaluate = lambda: {"bbox/AP": 0.5}
    runner.run([toy_loader(size=12, batch=4)], [("train", 1)], max_iters=3)
    assert runner.details_listeners == []
