"""What resuming refuses, accepts, and takes over; that it is exact is test_resume.py's matter."""

import json

import pytest
import torch
from safetensors.torch import save_file
from toy_training import ToyModel, toy_loader, toy_runner

from specdet.runner.checkpoint import FOLDER, write_manifest
from specdet.runner.environment import spec_differences
from specdet.runner.resume import stored_classes

SPEC = 'seed = 0\n[optimizer]\ntype = "SGD"\nlr = 0.1\n[train]\nmax_epochs = 3\n'


def runner_with_hooks(work_dir, **kwargs):
    runner = toy_runner(work_dir, **kwargs)
    runner.register_training_hooks(optimizer={}, checkpoint={"every": {"iters": 2}})
    return runner


@pytest.fixture
def saved(tmp_path):
    runner = runner_with_hooks(tmp_path, spec_text=SPEC)
    runner.run([toy_loader(size=16, batch=4)], [("train", 1)], max_iters=3)
    return tmp_path


def test_position_and_metrics_are_taken_over(saved):
    runner = runner_with_hooks(saved, spec_text=SPEC)
    runner.resume(saved)
    assert (runner.iter, runner.epoch, runner.progress.batch) == (3, 0, 3)
    runner.run([toy_loader(size=16, batch=4)], [("train", 1)], max_epochs=2)
    assert (runner.iter, runner.epoch) == (8, 2)


def test_a_run_that_is_complete_stays_as_it_is(saved):
    runner = runner_with_hooks(saved, spec_text=SPEC)
    runner.resume(saved)
    before = {name: value.clone() for name, value in runner.unwrapped_model.state_dict().items()}
    runner.run([toy_loader(size=16, batch=4)], [("train", 1)], max_iters=3)
    assert runner.iter == 3
    assert all(torch.equal(before[name], value) for name, value in runner.unwrapped_model.state_dict().items())


def change_environment(saved, **changes):
    path = saved / FOLDER / "iter_00000003"
    file = path / "env.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    write_manifest(path, serial=2)


def test_what_differs_is_refused_with_a_list_and_the_key_that_accepts_it(saved):
    versions = {"torch": "1.0"}
    change_environment(saved, threads=7, precision="bf16", versions=versions)
    runner = runner_with_hooks(saved, spec_text=SPEC.replace("0.1", "0.2").replace("SGD", "Adam"), seed=4)
    with pytest.raises(ValueError) as refused:
        runner.resume(saved)
    for line in ("threads: 7 then, 1 now", "precision: bf16 then, fp32 now", "torch: 1.0 then", "seed: 0 then, 4 now",
                 "optimizer.lr: 0.1 then, 0.2 now", "optimizer.type: SGD then, Adam now",
                 "train.accept_differences = true"):  # fmt: skip
        assert line in str(refused.value)
    assert runner.iter == 0


def test_differences_can_be_accepted_and_are_logged(saved, caplog):
    change_environment(saved, threads=7)
    runner = runner_with_hooks(saved, spec_text=SPEC, accept_differences=True)
    runner.logger.propagate = True
    runner.resume(saved)
    assert "threads: 7 then, 1 now" in caplog.text and runner.iter == 3


def test_another_world_size_goes_on_from_the_same_images_without_random_states(saved, caplog):
    change_environment(saved, world_size=4)
    runner = runner_with_hooks(saved, spec_text=SPEC, accept_differences=True)
    runner.logger.propagate = True
    runner.resume(saved)
    assert runner.progress.batch == 12
    assert "random states are not restored" in caplog.text


def test_missing_random_states_are_an_error(saved):
    path = saved / FOLDER / "iter_00000003"
    (path / "accelerate" / "random_states_0.pkl").unlink()
    write_manifest(path, serial=2)
    with pytest.raises(FileNotFoundError, match="no random states for rank 0"):
        runner_with_hooks(saved, spec_text=SPEC).resume(saved)


def test_a_loader_that_cannot_seek_is_refused_in_the_midst_of_an_epoch(saved):
    runner = runner_with_hooks(saved, spec_text=SPEC)
    runner.resume(saved)
    with pytest.raises(ValueError, match="its batch_sampler has no seek"):
        runner.run([list(toy_loader(size=16, batch=4))], [("train", 1)], max_epochs=2)


def test_specs_are_compared_where_it_matters_to_weights():
    now = 'name = "x"\n' + SPEC + 'resume_from = "a"\n[hooks.log]\ntype = "TextLog"\nbar = false\n'
    now += '[data]\nworkers_per_device = 4\n[hooks.saved]\ntype = "Checkpoint"\nkeep_last = 9\n'
    then = SPEC + '[data]\nworkers_per_device = 0\n[hooks.saved]\ntype = "Checkpoint"\nkeep_last = 3\n'
    assert spec_differences(then, now) == []
    accumulated = "train.accumulate: nothing then, 2 now (batches of another size)"
    assert spec_differences(SPEC, SPEC + "accumulate = 2\n") == [accumulated]


@pytest.mark.parametrize(
    ("schedule", "changes"),
    [
        ('type = "Step"', "when it ends"),
        ('type = "Cosine"', "when it ends, and the learning rate of the remaining steps"),
        ('type = "Mine"', "when it ends, and maybe the learning rate of the remaining steps"),
    ],
)
def test_another_length_is_said_to_change_what_it_does_under_the_schedule(schedule, changes):
    then = f"{SPEC}[schedule]\n{schedule}\n"
    (line,) = spec_differences(then, then.replace("= 3", "= 4"))
    assert line == f"train.max_epochs: 3 then, 4 now ({changes})"


def test_the_order_of_hooks_that_write_logs_alone_does_not_matter():
    hooks = "".join(f'[hooks.{name}]\ntype = "{name}"\n' for name in ("TextLog", "EMA", "Optimizer"))
    then = f'{SPEC}[hooks]\norder = ["EMA", "Optimizer", "TextLog"]\n{hooks}'
    assert (
        spec_differences(then, then.replace('["EMA", "Optimizer", "TextLog"]', '["TextLog", "EMA", "Optimizer"]')) == []
    )
    (line,) = spec_differences(then, then.replace('"EMA", "Optimizer"', '"Optimizer", "EMA"'))
    assert line == "hooks.order: EMA, Optimizer then, Optimizer, EMA now (what comes first in a step)"


def test_load_checkpoint_takes_weights_alone(saved, tmp_path):
    def equal(runner, weights):
        return all(torch.equal(value, weights[name]) for name, value in runner.unwrapped_model.state_dict().items())

    trained = runner_with_hooks(saved, spec_text=SPEC)
    trained.resume(saved)
    weights = trained.unwrapped_model.state_dict()
    torch.save({"state_dict": weights}, tmp_path / "weights.pth")
    save_file(weights, tmp_path / "weights.safetensors")
    for source in (saved / FOLDER / "iter_00000003", tmp_path / "weights.pth", tmp_path / "weights.safetensors"):
        runner = toy_runner()
        assert not equal(runner, weights)
        runner.load_checkpoint(source)
        assert equal(runner, weights) and runner.iter == 0


def test_weights_that_do_not_fit_are_named(tmp_path):
    file = tmp_path / "weights.safetensors"
    save_file({**ToyModel().state_dict(), "head.weight": torch.zeros(2)}, file)
    with pytest.raises(ValueError, match=r"(?s)weights\.safetensors does not fit the model: .*head\.weight"):
        toy_runner().load_checkpoint(file)
    toy_runner().load_checkpoint(file, strict=False)
    with pytest.raises(FileNotFoundError, match="does not exist: give a checkpoint folder"):
        toy_runner().load_checkpoint(tmp_path / "none.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="holds no state dict"):
        toy_runner().load_checkpoint(tmp_path / "list.pth")


@pytest.mark.parametrize("name", ["empty.pth", "text.pth", "cut.safetensors"])
def test_a_damaged_file_of_weights_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"" if name == "empty.pth" else b"no weights at all")
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
        toy_runner().load_checkpoint(tmp_path / name)


def test_an_accepted_change_of_the_rates_counts(saved):
    def groups(runner):
        return [(group["weight_decay"], group["eps"]) for group in runner.optimizer.param_groups]

    runner = runner_with_hooks(saved, spec_text=SPEC.replace("0.1", "0.2"), accept_differences=True)
    wanted = [(0.5, 1e-3)] * len(groups(runner))
    for group in runner.optimizer.param_groups:
        group.update(weight_decay=0.5, eps=1e-3)
    runner.resume(saved)
    assert groups(runner) == wanted
    assert runner.optimizer.state_dict()["state"], "what the optimizer has learned is kept"


def test_another_optimizer_cannot_go_on_and_the_message_says_what_can(saved):
    runner = toy_runner(saved, optimizer="SGD", spec_text=SPEC.replace("SGD", "Adam"), accept_differences=True)
    with pytest.raises(ValueError, match=r"(?s)cannot be gone on from .*train\.load_from"):
        runner.resume(saved)


def test_another_shape_cannot_go_on_and_the_message_says_what_can(saved):
    runner = toy_runner(saved, model=torch.nn.Linear(2, 2), spec_text=SPEC.replace("0", "1"), accept_differences=True)
    with pytest.raises(ValueError, match=r"(?s)cannot be gone on from .*train\.load_from"):
        runner.resume(saved)


def test_a_checkpoint_knows_its_classes_and_refuses_others(tmp_path):
    runner = runner_with_hooks(tmp_path, classes=("cell", "plate, round"))
    runner.run([toy_loader(size=16, batch=4)], [("train", 1)], max_iters=2)
    checkpoint = tmp_path / FOLDER / "iter_00000002"
    assert stored_classes(checkpoint) == ("cell", "plate, round")
    runner_with_hooks(tmp_path, classes=("cell", "plate, round")).resume(tmp_path)
    with pytest.raises(ValueError, match="classes: cell, plate, round then, plate, cell now"):
        runner_with_hooks(tmp_path, classes=("plate", "cell")).resume(tmp_path)


def test_a_checkpoint_without_classes_opens_and_a_spoilt_list_is_told(saved):
    checkpoint = saved / FOLDER / "iter_00000003"
    assert stored_classes(checkpoint) == ()
    runner_with_hooks(saved, spec_text=SPEC, classes=("cell",)).resume(saved)
    for wrong in ("[1]", '{"classes": [1]}', '{"classes": "cell"}'):
        (checkpoint / "classes.json").write_text(wrong)
        with pytest.raises(ValueError, match=r"classes.json holds no list of names"):
            stored_classes(checkpoint)
