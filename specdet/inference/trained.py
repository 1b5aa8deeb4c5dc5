"""Trained: a detector on disk, that is what it was made of, its weights and the names of its classes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs

from specdet.experiment import Experiment, load_with_source
from specdet.experiment_classes import with_classes
from specdet.runs.checkpoints import read_checkpoints
from specdet.runs.directory import run_of
from specdet.runs.select import find_run
from specdet.spec import SpecError
from specdet.spec.composed import Composed

if TYPE_CHECKING:
    from specdet.models.detectors.base import Detector

Weights = Literal["auto", "model", "ema"]

SPEC = "spec.toml"
NO_SPEC = "say of which spec its model is: --spec FILE, or spec= in Python"
CLASS_AGNOSTIC = ("object",)  # what a detector finds that tells no classes apart


@attrs.frozen(kw_only=True, eq=False)
class Trained:
    """What is known of a trained detector before it is built.

    Attributes:
        experiment: What it was trained with.
        composed: Where the values of the spec were written.
        weights: The file of its weights.
        checkpoint: The checkpoint that they are of; None where a file was given alone.
        classes: Names in the order of the labels; empty where nothing tells them.
        note: A sentence on which weights these are, where a person may want others.
    """

    experiment: Experiment
    composed: Composed
    weights: Path
    checkpoint: Path | None = None
    classes: tuple[str, ...] = ()
    note: str = ""

    @property
    def gives_classes(self) -> bool:
        """Whether it tells classes apart."""
        return getattr(self.experiment.model, "gives_classes", True)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What each label of its detections is called; "class 0" and so on where nothing tells the names."""
        if not self.gives_classes:
            return CLASS_AGNOSTIC
        return self.classes or tuple(f"class {label}" for label in range(self._num_classes or 0))

    def named(self, classes: tuple[str, ...]) -> "Trained":
        """The same with the classes of a data set, where nothing else has told them."""
        return self if self.classes else attrs.evolve(self, classes=classes)

    def build(self) -> "Detector":
        """The detector in eval mode, on the CPU.

        Raises:
            SpecError: Where the weights are not of this model, or nothing says how many classes it has.
        """
        from specdet.checks.memory import without_weights
        from specdet.models.weights.load import load_weights
        from specdet.models.weights.read import read_weights_file

        experiment = self.experiment
        if self.gives_classes and self._num_classes is None:
            if not self.classes:
                message = "nothing tells which classes the detector knows: say how many, as in model.num_classes=80"
                raise SpecError.one(message, path="model.num_classes")
            experiment = with_classes(experiment, len(self.classes))
        try:
            weights = read_weights_file(self.weights)
            model = without_weights(experiment.model).build()
            load_weights(model, weights, source=str(self.weights))
        except SpecError:
            raise
        except ValueError as error:
            raise SpecError.one(str(error)) from error
        return model.eval()

    @property
    def _num_classes(self) -> int | None:
        return getattr(self.experiment.model, "num_classes", None)


def open_trained(
    source: str | Path,
    *,
    weights: Weights = "auto",
    best: bool = False,
    spec: str | Path | None = None,
    overrides: Iterable[str] = (),
    plugins: Iterable[str | Path] = (),
) -> Trained:
    """Find a trained detector; nothing is built.

    Args:
        source: A checkpoint folder, a run (its directory, an id, or "last"), or a file of weights.
        weights: The model's own, the average that the EMA hook kept, or the ones that training evaluated: the average
            where there is one.
        best: Of a run, take the checkpoint that `checkpoints/best.json` names instead of the last.
        spec: What the model is, in place of the spec that lies with the weights; a file of weights has none.
        overrides: `key=value` and `~key` for the spec, such as model.test.nms_iou=0.6.
        plugins: Files of components to run, besides those of the spec that the user has trusted.

    Raises:
        SpecError: Where there is no such thing, or no whole one, in a sentence.
    """
    from specdet.runner.resume import stored_classes

    path = Path(source)
    if not path.exists():
        path = find_run(str(source))
    note = ""
    if path.is_dir():
        checkpoint, note = _checkpoint(path, best=best)
        file = _weights_file(checkpoint, weights)
    else:
        checkpoint, file = None, path
        if spec is None:
            raise SpecError.one(f"{path} is a file of weights alone: {NO_SPEC}")
    said = Path(spec) if isinstance(spec, Path) else spec
    loaded = load_with_source(said or _spec_of(checkpoint), overrides, plugins=plugins)
    try:
        classes = stored_classes(checkpoint) if checkpoint else ()
    except ValueError as error:
        raise SpecError.one(str(error)) from error
    return Trained(
        experiment=loaded.experiment,
        composed=loaded.composed,
        weights=file,
        checkpoint=checkpoint,
        classes=classes or _classes_in(loaded.experiment),
        note=note,
    )


def _checkpoint(path: Path, *, best: bool) -> tuple[Path, str]:
    """The checkpoint that a folder means, and what is to be said of others of its run."""
    from specdet.runner.checkpoint import FOLDER, find_checkpoint

    run = path.parent if path.name == FOLDER else path
    known = read_checkpoints(run) if (run / FOLDER).is_dir() else None
    notes: list[str] = []
    if best:
        if known is None:
            raise SpecError.one(f"{path} is no run, of which the best checkpoint could be taken: leave --best out")
        if not known.best:
            why = known.best_problem or "its Checkpoint hook does not watch a metric (hooks.checkpoint.keep_best)"
            raise SpecError.one(f"{run} does not tell which checkpoint is the best: {why}")
        path = run / FOLDER / known.best
    try:
        checkpoint = find_checkpoint(path, reject=notes.append)
    except (FileNotFoundError, ValueError) as error:
        raise SpecError.one(str(error).removesuffix(" to resume from")) from error
    if known is not None and known.best not in ("", checkpoint.name):
        notes.append(f"the best of the run by its metric is {known.best}: --best takes that")
    return checkpoint, "; ".join(notes)


def _weights_file(checkpoint: Path, weights: Weights) -> Path:
    from specdet.runner.resume import AVERAGED, WEIGHTS

    averaged = checkpoint / AVERAGED
    if weights == "ema" and not averaged.is_file():
        raise SpecError.one(f"{checkpoint} has no averaged weights: no EMA hook kept some; take those of the model")
    if weights == "ema" or (weights == "auto" and averaged.is_file()):
        return averaged
    return checkpoint / WEIGHTS


def _spec_of(checkpoint: Path | None) -> Path:
    assert checkpoint is not None, "a file of weights comes with a spec"
    run = run_of(checkpoint)
    for place in (checkpoint, *([run] if run else [])):
        if (place / SPEC).is_file():
            return place / SPEC
    raise SpecError.one(f"{checkpoint} has no {SPEC}: {NO_SPEC}")


def _classes_in(experiment: Experiment) -> tuple[str, ...]:
    """The names that the spec itself tells."""
    training: Any = experiment.data.training_sets[0]
    return tuple(getattr(training, "classes", ()))
