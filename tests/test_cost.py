import pytest
import torch
from accelerate import Accelerator

from specdet.cost import cost, kept_checkpoints
from specdet.experiment import load
from specdet.models.detectors.build import build_detector
from specdet.optim.build import build_optimizer
from specdet.runner.memory import model_size

RPN, COCO = "specdet:rpn.toml", "specdet:coco/rpn_r50_fpn_1x.toml"
SMALL = [
    *("model.backbone.base_channels=8", "model.neck.out_channels=16", "model.rpn_head.feat_channels=16"),
    *("data.train.count=26", "data.val.count=5", "schedule.warmup_iters=1", "hooks.evaluate.every.epochs=1"),
]


def test_what_a_training_on_drawn_shapes_takes_is_told_in_full():
    experiment = load(RPN, [*SMALL, "data.images_per_device=4", "train.accumulate=2", "train.max_epochs=3"])
    found = cost(experiment)
    model = build_detector(experiment.model)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert found.model is not None
    assert (found.model.parameters, found.model.trainable) == (count, count)
    assert (found.train_images, found.val_images) == (26, 5)
    assert found.classes == ("ellipse", "rectangle", "triangle")
    assert (found.steps_per_epoch, found.epochs, found.steps) == (3, 3, 9)  # 26 images make 6 batches of 4
    assert found.batch is not None and found.memory is not None
    assert (found.batch.images, found.batch.height, found.batch.width) == (4, 128, 128)
    assert found.sizes is not None
    assert (found.sizes.height, found.sizes.width) == ((128, 128), (128, 128))
    assert found.memory.parameters >= 4 * count
    assert (set(found.unknown), found.problems) == ({"step_time"}, ())


def test_more_processes_take_fewer_steps():
    experiment = load(RPN, [*SMALL, "data.images_per_device=4", "train.max_epochs=2"])
    assert [cost(experiment, processes=count).steps for count in (1, 2, 3)] == [12, 6, 4]


def test_a_length_in_steps_begins_as_many_epochs_as_it_needs():
    found = cost(load(RPN, [*SMALL, "data.images_per_device=4", "~train.max_epochs", "train.max_iters=13"]))
    assert (found.steps, found.steps_per_epoch, found.epochs) == (13, 6, 3)


def test_too_few_images_for_the_processes_are_a_problem_and_the_rest_is_told():
    found = cost(load(RPN, [*SMALL, "data.images_per_device=4"]), processes=7)
    assert (found.steps, found.steps_per_epoch, found.train_images) == (None, None, 26)
    assert "26 training images, but a batch takes 28" in found.unknown["steps"]
    assert [problem.path for problem in found.problems] == ["data.images_per_device"]


def test_data_that_is_not_here_is_said_once_and_the_model_is_told_nevertheless(tmp_path):
    found = cost(load(COCO, [f"data.root={tmp_path}/nowhere"]))
    assert (found.train_images, found.val_images, found.classes, found.steps, found.epochs) == (*[None] * 4, 12)
    assert found.model is not None and found.model.trainable < found.model.parameters
    assert found.batch is not None
    assert (found.batch.height, found.batch.width) == (800, 1344)
    assert [(problem.path, problem.kind) for problem in found.problems] == [("data.root", "environment")]
    assert "does not exist" in found.unknown["train_images"]
    assert "how many training images" in found.unknown["steps"]


def test_the_filters_of_a_data_set_are_reckoned_with(bccd):
    experiment = load("specdet:bccd/rpn.toml", [f"data.root={bccd}", "data.train.classes=['Platelets']",
                                                "data.val.classes=['Platelets']"])  # fmt: skip
    names = (bccd / "ImageSets/Main/train.txt").read_text().split()
    with_platelets = sum("<name>Platelets</name>" in (bccd / f"Annotations/{name}.xml").read_text() for name in names)
    found = cost(experiment)
    assert (found.train_images, found.classes) == (with_platelets, ("Platelets",))
    assert with_platelets < len(names)
    assert found.batch is not None
    assert (found.batch.height, found.batch.width) == (256, 320)  # 480 x 640 px scaled to 320, padded to 32


def test_a_model_that_cannot_be_built_is_a_sentence_and_the_data_are_told(tmp_path):
    found = cost(load(RPN, [*SMALL, "optimizer.rules.slow={ pattern = 'backbon.*', lr_factor = 0.1 }"]))
    assert (found.model, found.memory, found.checkpoints, found.train_images) == (None, None, None, 26)
    assert "backbon.*" in found.unknown["model"]
    assert [problem.path for problem in found.problems] == ["optimizer.rules.slow.pattern"]


def test_a_precision_that_the_device_lacks_is_a_problem_of_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = cost(load(RPN, [*SMALL, "train.precision=fp16"]))
    assert (found.memory, found.precision) == (None, None)
    assert [(problem.path, problem.kind) for problem in found.problems] == [("train.precision", "environment")]


def test_steps_are_measured_only_when_asked_for():
    experiment = load(RPN, [*SMALL, "data.images_per_device=1", "data.train.size=64", "data.val.size=64"])
    assert cost(experiment).step_time is None
    time = cost(experiment, time=True).step_time
    assert time is not None
    assert time.seconds > 0 and time.steps >= 1


@pytest.mark.parametrize(
    ("overrides", "kept"),
    [
        ([], 3),
        (["hooks.checkpoint.keep_last=1"], 1),
        (["hooks.checkpoint.keep_last=all"], 8),
        (["hooks.checkpoint.keep_last=all", "hooks.checkpoint.every.epochs=3"], 3),  # after 3, 6 and at the end
        (["hooks.checkpoint.every.epochs=8"], 1),
        (["hooks.checkpoint.every.iters=100", "hooks.checkpoint.keep_last=all"], 8),
        (["hooks.checkpoint.keep_best=proposal/AR@100"], 4),
        (["hooks.checkpoint.enabled=false"], 0),
    ],
)
def test_kept_checkpoints_are_the_newest_and_the_best(overrides, kept):
    base = ["~hooks.checkpoint.keep_best"] if not any("keep_best" in each for each in overrides) else []
    experiment = load(RPN, [*base, *overrides])
    assert kept_checkpoints(experiment, epochs=8, steps=800) == kept


def test_how_many_are_kept_is_unknown_where_all_are_and_the_length_is():
    experiment = load(RPN, ["hooks.checkpoint.every.iters=100",
                            "hooks.checkpoint.keep_last=all"])  # fmt: skip
    assert kept_checkpoints(experiment, epochs=8, steps=None) is None


@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_a_checkpoint_takes_the_estimated_room_on_disk(tmp_path, optimizer):
    momentum = ["optimizer.momentum=0.9"] if optimizer == "SGD" else []
    experiment = load(RPN, [*SMALL, f"optimizer.type={optimizer}", "optimizer.lr=0.1", *momentum])
    model = build_detector(experiment.model)
    accelerator = Accelerator(cpu=True)
    model, adapted = accelerator.prepare(model, build_optimizer(model, experiment.optimizer))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    adapted.step()
    accelerator.save_state(str(tmp_path / "saved"))
    real = sum(path.stat().st_size for path in (tmp_path / "saved").iterdir())
    estimate = model_size(experiment.model, optimizer=experiment.optimizer, hooks=experiment.hooks).checkpoint
    assert estimate <= real <= 1.02 * estimate + 200_000  # names, and the random states of the process
