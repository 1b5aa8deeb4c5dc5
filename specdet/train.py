"""`python -m specdet.train SPEC [KEY=VALUE ...]`: one training, from a spec file to a run directory.

`train_detector` does the same for a model and data sets that a Python program has made.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import attrs

from specdet.experiment import Experiment, load_with_source, resolved
from specdet.experiment_classes import with_classes
from specdet.experiment_masks import Masks, masks_to_evaluate, masks_to_train
from specdet.runner.signals import StopSignals
from specdet.spec import SpecError
from specdet.starting_weights import start_from
from specdet.training_failure import Failure
from specdet.training_run import TrainingRun

if TYPE_CHECKING:
    import logging

    from accelerate import Accelerator
    from torch import nn

    from specdet.data.dataset import DetectionDataset
    from specdet.runner.hooks.bad_images import BadImages
    from specdet.runner.runner import Runner


@attrs.frozen(kw_only=True)
class Datasets:
    """What a detector is trained on, and what it is evaluated on."""

    train: "DetectionDataset"
    val: "DetectionDataset | None" = None


def main(argv: Sequence[str] | None = None) -> int:
    """Train what a spec file says; gives the exit code, which for wrong specs is that of `specdet check`.

    Being asked to stop before the training has begun ends the process right here.
    """
    parser = argparse.ArgumentParser(prog="specdet.train", description="Train the detector that a spec describes.")
    parser.add_argument("spec", help="a spec file, or specdet:NAME for a shipped one")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip
    arguments = parser.parse_args(argv)
    run = TrainingRun(ends_process=True)
    try:
        with StopSignals(run.asks), run.told():
            loaded = load_with_source(arguments.spec, arguments.overrides, plugins=arguments.plugins)
            try:
                return _train(loaded.experiment, source=loaded.composed.source, run=run)
            except SpecError as error:
                raise SpecError(loaded.composed.located(error.problems)) from error
    except Exception:
        if run.failure is None or run.failure.is_bug:
            raise
        return _give_up(run.failure)


def build_datasets(experiment: Experiment) -> Datasets:
    """Open the data sets of a spec. Raises SpecError with all that is wrong with any of them."""
    from specdet.data.build import build_dataset
    from specdet.data.root import root_problems

    data = experiment.data
    if missing := root_problems(data):
        raise SpecError([problem.under("data") for problem in missing])
    found, problems = {}, []
    masks: dict[str, Masks] = {"train": masks_to_train(experiment), "val": masks_to_evaluate(experiment)}
    for role, spec, transforms, proposals in (
        ("train", data.train, data.train_transforms, data.train_proposals),
        ("val", data.val, data.val_transforms, data.val_proposals),
    ):
        if spec is not None:
            try:
                found[role] = build_dataset(
                    spec,
                    transforms=transforms,
                    seed=experiment.seed,
                    training=role == "train",
                    masks=masks[role],
                    path=f"data.{role}",
                    proposals=proposals,
                    max_proposals=data.max_proposals,
                    on_bad_image=data.on_bad_image,
                )
            except SpecError as error:
                problems += error.problems
    if problems:
        raise SpecError(problems)
    return Datasets(**found)


def train_detector(
    model: "nn.Module",
    datasets: Datasets,
    experiment: Experiment,
    *,
    distributed: bool | None = None,
    validate: bool = True,
    logger: "logging.Logger | None" = None,
    accelerator: "Accelerator | None" = None,
    source: str | None = None,
    run: TrainingRun | None = None,
) -> "Runner":
    """Train a detector in a run directory of its own, or go on in that of the run that the spec resumes.

    Args:
        model: Gives losses in train mode and detections in eval mode.
        datasets: To train and evaluate on.
        experiment: Says how to train; its `model` and data sets were used to make the first two, or are ignored.
        distributed: Whether several processes are expected: a ValueError where that is not so. None takes what comes.
        validate: Run the evaluators of the spec on `datasets.val`.
        logger: Where lines go; `get_root_logger()` unless given.
        accelerator: Made from the spec unless given.
        source: The text that the spec was written as, kept in the run directory.
        run: Where somebody else tells how it ends; else that is told in here.

    Returns:
        The runner, its training complete or stopped.
    """
    with ExitStack() as stack:
        if run is None:
            run = TrainingRun()
            stack.enter_context(run.told())
        return _train_detector(
            model, datasets, experiment, distributed=distributed, validate=validate, logger=logger,
            accelerator=accelerator, source=source, run=run,
        )  # fmt: skip


def _train_detector(
    model: "nn.Module",
    datasets: Datasets,
    experiment: Experiment,
    *,
    distributed: bool | None,
    validate: bool,
    logger: "logging.Logger | None",
    accelerator: "Accelerator | None",
    source: str | None,
    run: TrainingRun,
) -> "Runner":
    from torch.nn import SyncBatchNorm

    from specdet.data.loader import build_dataloader, close_dataloader
    from specdet.optim.build import build_optimizer
    from specdet.runner.accelerator import make_accelerator
    from specdet.runner.evaluated import EvaluatedImages
    from specdet.runner.hooks.bad_images import BadImages
    from specdet.runner.hooks.evaluation import EvaluationHook
    from specdet.runner.logger import get_root_logger
    from specdet.runner.precision import SYNC_BN_ON_CPU
    from specdet.runner.runner import Runner
    from specdet.runner.spec import enabled_hooks
    from specdet.runner.threads import set_threads
    from specdet.runs.files import write_text

    settings = experiment.train
    if accelerator is None:
        accelerator = make_accelerator(settings.precision, settings.accumulate)
    rank, world_size = accelerator.process_index, accelerator.num_processes
    if distributed is not None and distributed != (world_size > 1):
        raise ValueError(
            f"distributed is {distributed}, but there {'are' if world_size > 1 else 'is'} {world_size} "
            f"process{'es' * (world_size > 1)}: start with `accelerate launch --num_processes N`"
        )
    if accelerator.device.type == "cpu" and any(isinstance(module, SyncBatchNorm) for module in model.modules()):
        raise SpecError.one(SYNC_BN_ON_CPU, path="model.backbone.norm")
    set_threads(settings.threads_per_process)
    logger = logger or get_root_logger(rank=rank, world_size=world_size)
    directory = run.open(experiment, accelerator, source=source)

    def loader(role: str) -> Any:
        dataset: DetectionDataset | None = getattr(datasets, role)
        if dataset is None:
            raise ValueError(f"the workflow needs a data set to {'train' if role == 'train' else 'validate'} on")
        training, data = role == "train", experiment.data
        return build_dataloader(
            dataset,
            images_per_device=data.images_per_device
            if training
            else data.val_images_per_device or data.images_per_device,
            workers=data.workers_per_device,
            seed=experiment.seed,
            training=training,
            rank=rank,
            world_size=world_size,
            group_by_aspect=data.group_by_aspect,
            size_divisor=data.size_divisor,
            pin_memory=accelerator.device.type == "cuda",
        )

    runner = Runner(
        model,
        optimizer=build_optimizer(model, experiment.optimizer),
        work_dir=directory,
        accelerator=accelerator,
        schedule=experiment.schedule.build(),
        seed=experiment.seed,
        logger=logger,
        accumulate=settings.accumulate,
        accept_differences=settings.accept_differences,
        log_every=settings.log_every,
        spec_text=resolved(experiment),
        asks=run.asks,
        attempt=run.attempt,
        classes=datasets.train.classes,
        on_nonfinite=settings.on_nonfinite,
        max_skipped_steps=settings.max_skipped_steps,
    )
    run.runner = runner
    evaluates = validate and datasets.val is not None and bool(experiment.eval)
    for name, hook in enabled_hooks(experiment.hooks).items():
        built = runner.build_hook(hook)
        if evaluates or not isinstance(built, EvaluationHook):
            runner.register_hook(built, name=name)
    sets = {"train": datasets.train, "val": datasets.val}
    bad_images = BadImages(
        sizes={role: len(each) for role, each in sets.items() if each is not None},
        max_share=experiment.data.max_bad_share,
    )
    if experiment.data.on_bad_image == "skip":  # else none is ever met, and ranks need not talk of them
        runner.register_hook(bad_images, name="bad_images")
    modes: list[str] = [mode for mode, _ in settings.workflow]
    roles: set[str] = {*modes, "val"} if evaluates else {*modes}
    loaders = {role: loader(role) for role in sorted(roles)}
    if evaluates:
        runner.evaluate = _evaluation(runner, loaders["val"], experiment, bad_images=bad_images)
        runner.evaluated = EvaluatedImages(
            reader=loaders["val"].dataset.reader, gives_classes=getattr(experiment.model, "gives_classes", True)
        )
    if settings.resume_from is not None:
        runner.resume(settings.resume_from)
        if settings.accept_differences and runner.is_main:
            write_text(directory / "spec.toml", resolved(experiment))  # from here on this is what the run does
    elif settings.load_from is not None:
        start_from(runner.unwrapped_model, settings, logger=logger)
    logger.info("run %s: %d images, %d processes", directory, len(datasets.train), world_size)
    run.begin(runner, hang_timeout=settings.hang_timeout)
    try:
        runner.run(
            [loaders[mode] for mode in modes], settings.workflow, settings.max_epochs, max_iters=settings.max_iters
        )
    finally:
        for each in loaders.values():
            close_dataloader(each)
    return runner


def _evaluation(runner: "Runner", loader: Any, experiment: Experiment, *, bad_images: "BadImages") -> Any:
    """What the Evaluation hook calls: the model on `data.val`, measured by each of `[eval]`."""
    from specdet.evaluation.evaluate import evaluate

    ground_truth = loader.dataset.ground_truth()
    evaluators = {name: spec.build(ground_truth=ground_truth) for name, spec in experiment.eval.items()}
    return lambda: evaluate(
        runner.model,
        loader,
        evaluators=evaluators,
        accelerator=runner.accelerator,
        on_batch=runner.between_batches,
        on_detections=runner.on_detections,
        on_details=runner.on_details,
        on_bad_images=lambda bad: bad_images.evaluated(bad, runner=runner),
    )


def _train(experiment: Experiment, *, source: str, run: TrainingRun) -> int:
    from specdet.checks.device import device_problems
    from specdet.checks.files import missing_files
    from specdet.models.detectors.build import build_detector
    from specdet.runner.accelerator import make_accelerator
    from specdet.runner.logger import get_root_logger

    if lacking := [*device_problems(experiment, memory=False), *missing_files(experiment)]:
        raise SpecError(lacking)
    accelerator = make_accelerator(experiment.train.precision, experiment.train.accumulate)
    get_root_logger(rank=accelerator.process_index, world_size=accelerator.num_processes)
    run.open(experiment, accelerator, source=source)  # before the data, which may take long: from here on it is seen
    datasets = build_datasets(experiment)
    experiment = with_classes(experiment, len(datasets.train.classes))
    _seed_weights(experiment.seed)
    runner = train_detector(
        build_detector(experiment.model), datasets, experiment, accelerator=accelerator, source=source, run=run
    )
    if runner.is_main:
        _say_results(runner)
    accelerator.wait_for_everyone()  # a rank that ends while another still talks to it takes that one down
    accelerator.end_training()
    return runner.exit_code


def _seed_weights(seed: int) -> None:
    import torch

    torch.manual_seed(seed)  # the same first weights on every rank; what is drawn in training is seeded by the runner


def _say_results(runner: "Runner") -> None:
    from rich.console import Console

    from specdet.results import results_table

    console = Console()
    measured = {name: value for name, value in runner.metrics.items() if not name.startswith("val/")}
    if measured:
        console.print(results_table(measured))
    how = "stopped" if runner.exit_code else "finished"
    console.print(f"{how}: {runner.work_dir}", soft_wrap=True, highlight=False)


def _give_up(failure: Failure) -> int:
    """Say a sentence, on the main rank; on others where it is told of this process alone."""
    rank = os.environ.get("RANK", "0")
    if rank == "0":
        print(failure.message, file=sys.stderr)
    elif failure.is_own:
        print(f"rank {rank}: {failure.message}", file=sys.stderr)
    return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
