"""`python -m specdet.train SPEC [KEY=VALUE ...]`: one training, from a spec file to a run directory.

`train_detector` does the same for a model and data sets that a Python program has made.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from specdet.exit_codes import WRONG_SPEC, exit_code
from specdet.experiment import Experiment, load_with_source, resolved
from specdet.spec import Problem, SpecError

if TYPE_CHECKING:
    import logging

    from accelerate import Accelerator
    from torch import nn

    from specdet.data.dataset import DetectionDataset
    from specdet.runner.runner import Runner


@attrs.frozen(kw_only=True)
class Datasets:
    """What a detector is trained on, and what it is evaluated on."""

    train: "DetectionDataset"
    val: "DetectionDataset | None" = None


def main(argv: Sequence[str] | None = None) -> int:
    """Train what a spec file says; gives the exit code, which for wrong specs is that of `specdet check`."""
    parser = argparse.ArgumentParser(prog="specdet.train", description="Train the detector that a spec describes.")
    parser.add_argument("spec", help="a spec file, or specdet:NAME for a shipped one")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="change one value; ~KEY removes one")
    parser.add_argument("--plugin", dest="plugins", action="append", default=[], metavar="FILE",
                        help="run this plugin file; may be repeated")  # fmt: skip
    arguments = parser.parse_args(argv)
    composed = None
    try:
        loaded = load_with_source(arguments.spec, arguments.overrides, plugins=arguments.plugins)
        composed = loaded.composed
        return _train(loaded.experiment, source=composed.source)
    except SpecError as error:
        found = composed.located(error.problems) if composed else list(error.problems)
        return _give_up("\n".join(map(str, found)), code=exit_code(found))
    except (ValueError, OSError, FloatingPointError) as error:
        if not _is_ours(error):
            raise
        return _give_up(str(error), code=WRONG_SPEC)


def build_datasets(experiment: Experiment) -> Datasets:
    """Open the data sets of a spec. Raises SpecError with all that is wrong with any of them."""
    from specdet.data.build import build_dataset
    from specdet.data.check import root_problems

    data = experiment.data
    if missing := root_problems(data):
        raise SpecError([problem.under("data") for problem in missing])
    found, problems = {}, []
    for role, spec, transforms in (
        ("train", data.train, data.train_transforms),
        ("val", data.val, data.val_transforms),
    ):
        if spec is not None:
            try:
                found[role] = build_dataset(
                    spec, transforms=transforms, seed=experiment.seed, training=role == "train", path=f"data.{role}"
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

    Returns:
        The runner, its training complete or stopped.
    """
    from torch.nn import SyncBatchNorm

    from specdet.data.loader import build_dataloader, close_dataloader
    from specdet.optim.build import build_optimizer
    from specdet.runner.accelerator import make_accelerator
    from specdet.runner.hooks.evaluation import EvaluationHook
    from specdet.runner.logger import get_root_logger
    from specdet.runner.precision import SYNC_BN_ON_CPU
    from specdet.runner.runner import Runner
    from specdet.runner.spec import enabled_hooks
    from specdet.runner.threads import set_threads
    from specdet.runs.files import write_text
    from specdet.runs.lock import RunLock

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
    directory = _run_directory(experiment, accelerator, source=source)
    lock = RunLock(directory) if accelerator.is_main_process else None

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
    )
    evaluates = validate and datasets.val is not None and bool(experiment.eval)
    for name, hook in enabled_hooks(experiment.hooks).items():
        built = runner.build_hook(hook)
        if evaluates or not isinstance(built, EvaluationHook):
            runner.register_hook(built, name=name)
    modes: list[str] = [mode for mode, _ in settings.workflow]
    roles: set[str] = {*modes, "val"} if evaluates else {*modes}
    loaders = {role: loader(role) for role in sorted(roles)}
    if evaluates:
        runner.evaluate = _evaluation(runner, loaders["val"], experiment)
    if settings.resume_from is not None:
        runner.resume(settings.resume_from)
        if settings.accept_differences and runner.is_main:
            write_text(directory / "spec.toml", resolved(experiment))  # from here on this is what the run does
    elif settings.load_from is not None:
        runner.load_checkpoint(settings.load_from)
    logger.info("run %s: %d images, %d processes", directory, len(datasets.train), world_size)
    try:
        runner.run(
            [loaders[mode] for mode in modes], settings.workflow, settings.max_epochs, max_iters=settings.max_iters
        )
    finally:
        for each in loaders.values():
            close_dataloader(each)
        if lock is not None:
            lock.release()
    return runner


def _evaluation(runner: "Runner", loader: Any, experiment: Experiment) -> Any:
    """What the Evaluation hook calls: the model on `data.val`, measured by each of `[eval]`."""
    from specdet.evaluation.evaluate import evaluate

    ground_truth = loader.dataset.ground_truth()
    evaluators = {name: spec.build(ground_truth=ground_truth) for name, spec in experiment.eval.items()}
    return lambda: evaluate(runner.model, loader, evaluators=evaluators, accelerator=runner.accelerator)


def _train(experiment: Experiment, *, source: str) -> int:
    from specdet.checks.device import device_problems
    from specdet.models.detectors.build import build_detector
    from specdet.runner.accelerator import make_accelerator

    if lacking := [*device_problems(experiment, memory=False), *_missing_files(experiment)]:
        raise SpecError(lacking)
    accelerator = make_accelerator(experiment.train.precision, experiment.train.accumulate)
    datasets = build_datasets(experiment)
    _seed_weights(experiment.seed)
    runner = train_detector(
        build_detector(experiment.model), datasets, experiment, accelerator=accelerator, source=source
    )
    if runner.is_main:
        _say_results(runner)
    accelerator.end_training()
    return runner.exit_code


def _missing_files(experiment: Experiment) -> Iterator[Problem]:
    """Found out before a run directory is made."""
    for key in ("load_from", "resume_from"):
        path = getattr(experiment.train, key)
        if path is not None and not path.exists():
            yield Problem(path=f"train.{key}", message=f"{path} does not exist", kind="environment")


def _seed_weights(seed: int) -> None:
    import torch

    torch.manual_seed(seed)  # the same first weights on every rank; what is drawn in training is seeded by the runner


def _run_directory(experiment: Experiment, accelerator: "Accelerator", *, source: str | None) -> Path:
    """The folder of this run, the same on every rank: that of the run which is resumed, else a new one."""
    from accelerate.utils import broadcast_object_list

    from specdet.runs.directory import make_run_directory, run_of
    from specdet.runs.meta import write_meta

    resumed = experiment.train.resume_from and run_of(experiment.train.resume_from)
    if resumed:
        return resumed
    made: list[Any] = [None]
    if accelerator.is_main_process:
        directory = made[0] = make_run_directory(experiment.name)
        (directory / "spec.toml").write_text(resolved(experiment), encoding="utf-8")
        if source is not None:
            (directory / "spec.source.toml").write_text(source, encoding="utf-8")
        write_meta(directory, name=experiment.name, seed=experiment.seed)
    return broadcast_object_list(made)[0]


def _say_results(runner: "Runner") -> None:
    from rich.console import Console

    from specdet.results import results_table

    console = Console()
    measured = {name: value for name, value in runner.metrics.items() if not name.startswith("val/")}
    if measured:
        console.print(results_table(measured))
    console.print(
        f"{'stopped' if runner.stop_reason else 'finished'}: {runner.work_dir}", soft_wrap=True, highlight=False
    )


def _is_ours(error: BaseException) -> bool:
    """Whether specdet raised an error, which then says what to do; a bug or a library's error keeps its traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").split(".")[0] in ("specdet", "__main__")


def _give_up(message: str, *, code: int) -> int:
    if os.environ.get("RANK", "0") == "0":
        print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
