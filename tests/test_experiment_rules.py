"""Each rule with a spec that breaks it, and the nearest one that is right."""

from typing import ClassVar

import attrs
import pytest

from specdet.experiment import load
from specdet.experiment_rules import length_problems
from specdet.runner.spec import HookSpec
from specdet.spec import SpecError, spec

RPN = "specdet:rpn.toml"  # 8 epochs of 1100 drawn images, 4 a step: 275 steps an epoch, 2200 in all
COCO = "specdet:coco/rpn_r50_fpn_1x.toml"  # 12 epochs of files, milestones 8 and 11
VALIDATES = 'train.workflow=[["train", 1], ["val", 1]]'
STEP = ["schedule.type=Step", "schedule.warmup=none"]
WEIGHTLESS = ["model.backbone.weights=none", "model.backbone.frozen_stages=-1", "model.backbone.norm_eval=false"]
WEIGHTS = "say which weights to start from (model.backbone.weights, weights_file or train.load_from)"
UNLEARNT = "would keep statistics that were never taken, and normalise nothing"
STOP = ["hooks.stop.type=EarlyStopping"]
FAST = ["model.type=FastRCNN", "model.backbone={ type = 'ResNet', depth = 18 }", "model.neck.type=FPN",
        "data.train_proposals=a.safetensors"]  # fmt: skip
BOX = ["eval.bbox.type=CocoBox", "eval.bbox.class_agnostic=true"]
MASKS = "specdet:coco/mask_rcnn_r50_fpn_1x.toml"
SEGM = ["eval.segm.type=CocoMask", "eval.segm.class_agnostic=true"]
VOC = "{ type = 'Voc', folder = 'voc', split = 'train' }"
NO_MASKS = "has no masks, which the detector learns and gives: use data that has them, such as Coco"


def problems(name: str, overrides: list[str]) -> list[tuple[str, str]]:
    try:
        load(name, overrides)
    except SpecError as error:
        return [(problem.path, problem.message) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("name", "wrong", "path", "message", "right"),
    [
        (
            RPN,
            ["train.on_nonfinite=rollback", "~hooks.checkpoint"],
            "train.on_nonfinite",
            "there is nothing to go back to: no hook saves checkpoints; add one, of type Checkpoint, or \"skip\"",
            ["train.on_nonfinite=rollback"],
        ),
        (
            RPN,
            ["~hooks.optimizer"],
            "hooks",
            "no hook steps the optimizer, so nothing would be learned: "
            'add one, as with hooks.optimizer.type = "Optimizer"',
            ["~hooks.optimizer", "hooks.mine.type=Optimizer"],
        ),
        (
            RPN,
            ["hooks.optimizer.enabled=false"],
            "hooks.optimizer.enabled",
            "no hook steps the optimizer, so nothing would be learned: enable it",
            ["hooks.optimizer.enabled=false", "hooks.mine.type=Optimizer"],
        ),
        (
            RPN,
            FAST,
            "data.val_proposals",
            "the detector finds no boxes itself: name a file of them, which `specdet proposals` writes",
            [*FAST, "data.val_proposals=b.safetensors"],
        ),
        (
            RPN,
            ["hooks.mine.type=Optimizer"],
            "hooks.mine",
            "steps the optimizer, as hooks.optimizer does already: remove one of the two, or set its enabled = false",
            ["hooks.mine.type=Optimizer", "hooks.mine.enabled=false"],
        ),
        (
            RPN,
            ["hooks.ema.type=EMA", "hooks.'e m a'.type=EMA"],
            'hooks."e m a"',
            "averages the weights, as hooks.ema does already: remove one of the two, or set its enabled = false",
            ["hooks.ema.type=EMA", "hooks.'e m a'.type=EMA", "hooks.ema.enabled=false"],
        ),
        (
            RPN,
            ["hooks.more.type=Checkpoint", "hooks.more.every={ iters = 10 }", "hooks.more.keep_last=all"],
            "hooks.more",
            "removes old checkpoints, as hooks.checkpoint does already: "
            "remove one of the two, or set its enabled = false",
            ["hooks.more.type=Checkpoint", "hooks.more.every={ iters = 10 }", "hooks.more.keep_last=all",
             "hooks.checkpoint.keep_last=all"],
        ),
        (
            RPN,
            ["hooks.more.type=Checkpoint", "hooks.more.keep_last=all", "hooks.checkpoint.keep_last=all",
             "hooks.more.keep_best=proposal/AR@300"],
            "hooks.more",
            "keeps the best checkpoint, as hooks.checkpoint does already: "
            "remove one of the two, or set its enabled = false",
            ["hooks.more.type=Checkpoint", "hooks.more.keep_last=all", "hooks.checkpoint.keep_last=all",
             "hooks.more.keep_best=proposal/AR@300", "~hooks.checkpoint.keep_best"],
        ),
        (
            RPN,
            ["hooks.evaluate.enabled=false"],
            "hooks.checkpoint.keep_best",
            "'proposal/AR@100' is never measured: no hook evaluates during training; add one, of type Evaluation",
            ["hooks.evaluate.enabled=false", "~hooks.checkpoint.keep_best"],
        ),
        (
            RPN,
            [*STOP, "hooks.stop.metric=propsal/AR@100"],
            "hooks.stop.metric",
            "nothing measures 'propsal/AR@100' (metrics: proposal/...)",
            [*STOP, "hooks.stop.metric=propsal/AR@100", "hooks.stop.enabled=false"],
        ),
        (
            RPN,
            ["hooks.checkpoint.keep_best=proposal/AR@10"],
            "hooks.checkpoint.keep_best",
            "eval.proposal does not measure 'proposal/AR@10' (did you mean 'proposal/AR@100'?)",
            ["hooks.checkpoint.keep_best=proposal/AR@10", "eval.proposal.limits=[10]"],
        ),
        (
            RPN,
            [*BOX, *STOP, "hooks.stop.metric=bbox/AP_smal"],
            "hooks.stop.metric",
            "eval.bbox does not measure 'bbox/AP_smal' (did you mean 'bbox/AP_small'?)",
            [*BOX, *STOP, "hooks.stop.metric=bbox/AP_small"],
        ),
        (
            RPN,
            [*STOP, "hooks.stop.metric=val/loss"],
            "hooks.stop.metric",
            "nothing measures 'val/loss' (metrics: proposal/...)",
            [*STOP, "hooks.stop.metric=val/loss", VALIDATES],
        ),
        (
            RPN,
            [VALIDATES, "eval.val.type=ProposalRecall"],
            "eval.val",
            "the losses of the workflow's validation are called val/... as well: give this evaluator another name",
            ["eval.val.type=ProposalRecall"],
        ),
        (
            RPN,
            [VALIDATES, "~data.val", "~eval", "~hooks.checkpoint.keep_best"],
            "train.workflow",
            "there is nothing to validate on: data.val is missing",
            ["~data.val", "~eval", "~hooks.checkpoint.keep_best"],
        ),
        (
            COCO,
            ["train.max_epochs=11"],
            "schedule.milestones",
            "11 is never reached: the training has 11 epochs",
            ["train.max_epochs=11", "schedule.milestones=[8, 10]"],
        ),
        (
            COCO,
            ["schedule.by=iter", "schedule.milestones=[500, 1000, 1001]", "~train.max_epochs", "train.max_iters=1000"],
            "schedule.milestones",
            "1000, 1001 are never reached: the training has 1000 optimizer steps",
            ["schedule.by=iter", "schedule.milestones=[500, 999]", "~train.max_epochs", "train.max_iters=1000"],
        ),
        (
            RPN,
            [*STEP, "schedule.by=iter", "schedule.milestones=[2200]"],
            "schedule.milestones",
            "2200 is never reached: the training has 8 epochs, at most 2200 optimizer steps (1100 images, 4 a step)",
            [*STEP, "schedule.by=iter", "schedule.milestones=[2199]"],
        ),
        (
            COCO,
            ["~train.max_epochs", "train.max_iters=500", "schedule.type=Poly", "schedule.warmup=linear"],
            "schedule.warmup_iters",
            "the warm-up of 500 optimizer steps never ends: the training has 500 optimizer steps",
            ["~train.max_epochs", "train.max_iters=501", "schedule.type=Poly", "schedule.warmup=linear"],
        ),
        (
            RPN,
            ["train.accumulate=3", "train.max_epochs=1", "schedule.warmup_iters=91"],
            "schedule.warmup_iters",
            "the warm-up of 91 optimizer steps never ends: "
            "the training has 1 epoch, at most 91 optimizer steps (1100 images, 12 a step)",
            ["train.accumulate=3", "train.max_epochs=1", "schedule.warmup_iters=90"],
        ),
        (
            RPN,
            ["data.images_per_device=1101"],
            "data.images_per_device",
            "1100 training images, but a batch takes 1101: lower it",
            ["data.images_per_device=1100", "schedule.warmup=none"],
        ),
        (
            RPN,
            ["train.accumulate=276"],
            "train.accumulate",
            "1100 training images, but an optimizer step takes 276 batches of 4: lower it",
            ["train.accumulate=275", "schedule.warmup=none"],
        ),
        (
            COCO,
            [*WEIGHTLESS, "model.backbone.frozen_stages=0"],
            "model.backbone.frozen_stages",
            f"the frozen stages would keep random weights: set it to -1, or {WEIGHTS}",
            WEIGHTLESS,
        ),
        (
            COCO,
            [*WEIGHTLESS, "model.backbone.norm_eval=true"],
            "model.backbone.norm_eval",
            f"BN {UNLEARNT}: set it to false, or {WEIGHTS}",
            [*WEIGHTLESS, "model.backbone.norm_eval=true", "train.load_from=a.safetensors"],
        ),
        (
            COCO,
            [*WEIGHTLESS, "model.backbone.norm=FrozenBN"],
            "model.backbone.norm",
            f"FrozenBN {UNLEARNT}: choose BN or GN, or {WEIGHTS}",
            [*WEIGHTLESS, "model.backbone.norm=FrozenBN", "model.backbone.weights_file=a.pth"],
        ),
        (
            RPN,
            ["eval.bbox.type=CocoBox"],
            "eval.bbox.class_agnostic",
            "the detector gives boxes without classes, of which most would count as wrong: set it to true",
            BOX,
        ),
        (
            RPN,
            SEGM,
            "eval.segm.type",
            "compares masks, and the detector gives none: use CocoBox, or a detector such as MaskRCNN",
            BOX,
        ),
        (MASKS, [f"data.train={VOC}"], "data.train.type", NO_MASKS, ["data.train={ type = 'Shapes', count = 2000 }"]),
        (
            MASKS,
            [f"data.val={VOC}"],
            "data.val.type",
            NO_MASKS,
            [f"data.val={VOC}", "~eval.segm", "hooks.checkpoint.keep_best=bbox/AP"],  # boxes alone are compared
        ),
        (
            RPN,
            ["eval.confused.type=ConfusionMatrix"],
            "eval.confused",
            "compares classes, and the detector gives boxes without any: remove it",
            [],
        ),
    ],
)  # fmt: skip
def test_a_rule_between_parts(name, wrong, path, message, right):
    assert problems(name, wrong) == [(path, message)]
    assert problems(name, right) == []


def test_all_rules_are_asked_at_once():
    found = problems(RPN, ["~hooks.optimizer", "train.max_epochs=0", "eval.bbox.type=CocoBox", STEP[0]])
    assert sorted(path for path, _ in found) == [
        "eval.bbox.class_agnostic",
        "hooks",
        "schedule.milestones",
        "train.max_epochs",
    ]


@pytest.mark.parametrize(
    "overrides",
    [
        ["schedule.by=iter", "schedule.milestones=[60000, 80000]"],  # how many steps an epoch has, the files tell
        ["~train.max_epochs", "train.max_iters=90000"],  # how many epochs those are, the files and processes tell
        ["train.max_epochs=24"],
        ["train.resume_from=runs/mine", *WEIGHTLESS, "model.backbone.frozen_stages=1"],
        [VALIDATES, "hooks.checkpoint.keep_best=val/loss/rpn_box"],
        ["eval.bbox.type=CocoBox", "data.val.classes=['cat']", "data.train.classes=['cat']"],
        ["eval.bbox={ type = 'CocoBox', per_class = true }", *STOP, "hooks.stop.metric=bbox/AP/cat",
         "data.val.classes=['cat']", "data.train.classes=['cat']"],
        ["hooks.often.type=Evaluation", "hooks.often.every={ iters = 1000 }"],
    ],
)  # fmt: skip
def test_what_may_be_right_is_let_be(overrides):
    assert problems(COCO, overrides) == []


def test_more_training_images_allow_later_milestones():
    experiment = load(COCO, ["schedule.by=iter", "schedule.milestones=[1200]"])
    assert [problem.path for problem in length_problems(experiment, images=200)] == ["schedule.milestones"]
    assert [*length_problems(experiment, images=202)] == []  # 12 epochs of 101 steps


@spec
class SilentHookSpec(HookSpec):
    """A hook of a plugin that says nothing of itself."""


@spec
class SteppingHookSpec(HookSpec):
    """A hook of a plugin that steps the optimizer its own way."""

    steps_optimizer: ClassVar[bool] = True


def test_a_plugin_tells_what_its_hook_does():
    experiment = load(RPN)
    stepping = attrs.evolve(experiment, hooks={**experiment.hooks, "optimizer": SteppingHookSpec()})
    assert stepping.hooks["optimizer"].enabled
    with pytest.raises(SpecError, match="no hook steps the optimizer"):
        attrs.evolve(experiment, hooks={**experiment.hooks, "optimizer": SilentHookSpec()})
