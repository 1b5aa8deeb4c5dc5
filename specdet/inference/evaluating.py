"""A trained detector over a data set of its spec: metrics, or all that it finds."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from specdet.data.build import build_dataset
from specdet.data.loader import build_dataloader, close_dataloader
from specdet.data.root import root_problems
from specdet.evaluation.evaluate import evaluate
from specdet.experiment_masks import masks_to_evaluate
from specdet.inference.trained import Trained
from specdet.runner.accelerator import make_accelerator
from specdet.runner.bad_share import check_share
from specdet.runner.threads import set_threads
from specdet.spec import SpecError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from specdet.data.dataset import DetectionDataset
    from specdet.structures import Detections

LOGGER = logging.getLogger("specdet")

Role = Literal["val", "train"]
OnBatch = Callable[[int, int], None]  # batches done, and how many there are


@attrs.frozen(kw_only=True, eq=False)
class OpenedSet:
    """A data set as evaluation looks at it, and the detector that goes over it.

    Attributes:
        trained: With the data set's classes, where nothing else had told them.
        role: Which set of the spec it is.
        dataset: With the transforms of evaluation.
        accelerator: Says which part of it is for this process.
    """

    trained: Trained
    role: Role
    dataset: "DetectionDataset"
    accelerator: "Accelerator"

    def metrics(
        self, *, on_batch: OnBatch | None = None, on_details: "Callable[[Mapping[str, Any]], None] | None" = None
    ) -> dict[str, float]:
        """What the evaluators of the spec measure, the same on every process; all of them call this together.

        Args:
            on_details: Called on the main process with what evaluators tell besides numbers, by their names.

        Raises:
            SpecError: Where the spec has no evaluators, or the detector cannot be built.
        """
        specs = self.trained.experiment.eval
        if not specs:
            message = 'says nothing to measure: add an evaluator, as in eval.bbox.type="CocoBox"'
            raise SpecError.one(message, path="eval")
        ground_truth = self.dataset.ground_truth()
        evaluators = {name: spec.build(ground_truth=ground_truth) for name, spec in specs.items()}
        return self._over_all(evaluators=evaluators, on_batch=on_batch, on_details=on_details)

    def detections(self, *, on_batch: OnBatch | None = None) -> "dict[int, Detections]":
        """What is found in each image, by image id; all processes call this together, the main one gets something."""
        found: dict[int, Detections] = {}
        self._over_all(evaluators={}, on_batch=on_batch, on_detections=found.update)
        return found

    def _over_all(
        self,
        *,
        evaluators: Mapping[str, Any],
        on_batch: OnBatch | None,
        on_detections: "Callable[[Mapping[int, Detections]], None] | None" = None,
        on_details: "Callable[[Mapping[str, Any]], None] | None" = None,
    ) -> dict[str, float]:
        experiment, accelerator = self.trained.experiment, self.accelerator
        data = experiment.data
        set_threads(experiment.train.threads_per_process)
        model = accelerator.prepare_model(self.trained.build(), evaluation_mode=True)
        loader = build_dataloader(
            self.dataset,
            images_per_device=data.val_images_per_device or data.images_per_device,
            workers=data.workers_per_device,
            seed=experiment.seed,
            training=False,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
            size_divisor=data.size_divisor,
            pin_memory=accelerator.device.type == "cuda",
        )
        batches = len(loader)
        try:
            return evaluate(
                model,
                loader,
                evaluators=evaluators,
                accelerator=accelerator,
                on_batch=None if on_batch is None else lambda done: on_batch(done, batches),
                on_detections=on_detections,
                on_details=on_details,
                on_bad_images=self._tell_bad_images,
            )
        finally:
            close_dataloader(loader)

    def _tell_bad_images(self, bad: Mapping[int, str]) -> None:
        """Raises SpecError where too many images cannot be used."""
        if self.accelerator.is_main_process:
            for why in bad.values():
                LOGGER.warning("counts as an image in which nothing was found: %s", why)
        most = self.trained.experiment.data.max_bad_share
        check_share(bad, path=f"data.{self.role}", size=len(self.dataset), most=most)


def open_set(trained: Trained, role: Role = "val", *, training: bool = False) -> OpenedSet:
    """Open the data set that a detector's spec names, as evaluation does, for this process among others.

    Args:
        role: Which set of the spec.
        training: Leave out the images that training leaves out.

    Raises:
        SpecError: For data that is missing or wrong, or has other classes than the detector knows.
    """
    experiment = trained.experiment
    data = experiment.data
    spec = data.val if role == "val" else data.train
    if spec is None:
        raise SpecError.one("is missing, so there is nothing to look at: say which data set it is", path="data.val")
    if missing := root_problems(data):
        raise SpecError(trained.composed.located([problem.under("data") for problem in missing]))
    try:
        dataset = build_dataset(
            spec,
            transforms=data.val_transforms,
            masks="none" if masks_to_evaluate(experiment) == "none" else "truth",
            seed=experiment.seed,
            training=training,
            path=f"data.{role}",
            proposals=data.val_proposals if role == "val" else data.train_proposals,
            max_proposals=data.max_proposals,
            on_bad_image=data.on_bad_image,
        )
        accelerator = make_accelerator(experiment.train.precision)
    except SpecError as error:
        raise SpecError(trained.composed.located(error.problems)) from error
    except ValueError as error:
        raise SpecError.one(str(error), path="train.precision", kind="environment") from error
    _check_classes(trained, dataset.classes, path=f"data.{role}")
    return OpenedSet(trained=trained.named(dataset.classes), role=role, dataset=dataset, accelerator=accelerator)


def _check_classes(trained: Trained, classes: tuple[str, ...], *, path: str) -> None:
    """Labels are numbers: with other names, or in another order, all that is found would count as wrong."""
    known = trained.classes
    if not trained.gives_classes or not known or known == classes:
        return
    if sorted(known) == sorted(classes):
        mend = "the same in another order"
    else:
        lacking = [name for name in known if name not in classes]
        mend = f"it lacks {_listed(lacking)}" if lacking else "it has more"
    message = (
        f"has the classes {_listed(classes)}, but the detector was trained with {_listed(known)} ({mend}): "
        f"say {path}.classes in the order of the training"
    )
    raise SpecError.one(message, path=path)


def _listed(names: tuple[str, ...] | list[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
