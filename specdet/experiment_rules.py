"""The rules between the parts of an experiment: what each part cannot know alone. Nothing is opened or built."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from specdet.data.spec import DataSpec, ShapesSpec
from specdet.data.training_paths import training_paths
from specdet.experiment_masks import needs_masks, validates
from specdet.registry import suggestion
from specdet.runner.spec import enabled_hooks
from specdet.spec import Problem, Spec
from specdet.spec.base import problems_of_rules
from specdet.spec.paths import dotted

if TYPE_CHECKING:
    from specdet.experiment import Experiment


def part_problems(experiment: "Experiment") -> Iterator[Problem]:
    """All that is wrong between the parts of an experiment, some of which may be missing because they are wrong."""
    return problems_of_rules(
        _validation(experiment),
        _names(experiment),
        _optimizer_step(experiment),
        _going_back(experiment),
        _clashes(experiment),
        _watched_metrics(experiment),
        _classes(experiment),
        _masks(experiment),
        _frozen_weights(experiment),
        _class_lists(experiment),
        _proposals(experiment),
        _batches(experiment),
        _schedule(experiment),
    )


def length_problems(experiment: "Experiment", *, images: int | None) -> Iterable[Problem]:
    """What of the schedule never comes to pass with so many training images, whatever the number of processes.

    More processes take more images a step, and so do fewer steps an epoch; what is beyond the steps of one process is
    beyond those of several.
    """
    check = getattr(experiment.schedule, "problems_within", None)
    if check is None:
        return ()
    train = experiment.train
    batch = experiment.data.images_per_device * train.accumulate
    if train.max_iters is not None:
        epochs = iters = train.max_iters  # an epoch has at least one step
        length = _counted(iters, "optimizer step")
    elif train.max_epochs is not None:
        epochs = train.max_epochs
        iters = epochs * (images // batch) if images is not None and images >= batch else None
        length = _counted(epochs, "epoch")
        if iters is not None:
            length += f", at most {_counted(iters, 'optimizer step')} ({images} images, {batch} a step)"
    else:
        return ()
    said = "max_epochs" if train.max_iters is None else "max_iters"
    note = Problem(path=f"train.{said}", message="says how long the training is")
    return (
        attrs.evolve(problem.under("schedule"), notes=(note,))
        for problem in check(epochs=epochs, iters=iters, length=length)
    )


def _validation(experiment: "Experiment") -> Iterator[Problem]:
    if experiment.data.val is not None:
        return
    if experiment.eval:
        yield Problem(path="eval", message="there is nothing to evaluate on: data.val is missing")
    if validates(experiment):
        yield Problem(path="train.workflow", message="there is nothing to validate on: data.val is missing")


def _names(experiment: "Experiment") -> Iterator[Problem]:
    if "val" in experiment.eval and validates(experiment):
        message = "the losses of the workflow's validation are called val/... as well: give this evaluator another name"
        yield Problem(path="eval.val", message=message)


def _optimizer_step(experiment: "Experiment") -> Iterator[Problem]:
    enabled = enabled_hooks(experiment.hooks)
    steps = [name for name, hook in enabled.items() if getattr(hook, "steps_optimizer", True)]
    if not steps:
        idle = [name for name, hook in experiment.hooks.items() if getattr(hook, "steps_optimizer", False)]
        path = dotted(("hooks", *idle[:1], *["enabled"] * bool(idle)))
        mend = "enable it" if idle else 'add one, as with hooks.optimizer.type = "Optimizer"'
        yield Problem(path=path, message=f"no hook steps the optimizer, so nothing would be learned: {mend}")
    sure = [name for name in steps if getattr(enabled[name], "steps_optimizer", False)]
    yield from (_taken("steps the optimizer", second, sure[0]) for second in sure[1:])


def _going_back(experiment: "Experiment") -> Iterator[Problem]:
    hooks = enabled_hooks(experiment.hooks).values()
    if experiment.train.on_nonfinite == "rollback" and not any(getattr(hook, "saves", True) for hook in hooks):
        message = 'there is nothing to go back to: no hook saves checkpoints; add one, of type Checkpoint, or "skip"'
        yield Problem(path="train.on_nonfinite", message=message)


def _clashes(experiment: "Experiment") -> Iterator[Problem]:
    hooks = [(name, hook) for name, hook in enabled_hooks(experiment.hooks).items() if hasattr(hook, "clash")]
    for place, (name, hook) in enumerate(hooks):
        reasons = ((first, hook.clash(other)) for first, other in hooks[:place])
        found = next(((first, reason) for first, reason in reasons if reason), None)
        if found is not None:
            yield _taken(found[1], name, found[0])


def _taken(what: str, name: str, first: str) -> Problem:
    message = f"{what}, as {dotted(('hooks', first))} does already: remove one of the two, or set its enabled = false"
    return Problem(path=dotted(("hooks", name)), message=message)


def _watched_metrics(experiment: "Experiment") -> Iterator[Problem]:
    for name, hook in enabled_hooks(experiment.hooks).items():
        for key in getattr(hook, "watches", ()):
            metric = getattr(hook, key)
            message = "" if metric is None else _unmeasured(metric, experiment)
            if message:
                yield Problem(path=dotted(("hooks", name, key)), message=message)


def _unmeasured(metric: str, experiment: "Experiment") -> str:
    """Why `metric` is never measured, or an empty string."""
    sources: dict[str, Any] = {**experiment.eval, **({"val": None} if validates(experiment) else {})}
    source = max((source for source in sources if metric.startswith(f"{source}/")), key=len, default=None)
    if source is None:
        known = ", ".join(f"{source}/..." for source in sources) or "none: the spec has no [eval]"
        return f"nothing measures '{metric}' (metrics: {known})"
    if sources[source] is None:
        return ""  # the losses of the workflow's validation, whose names the model knows
    if not any(getattr(hook, "measures", True) for hook in enabled_hooks(experiment.hooks).values()):
        return f"'{metric}' is never measured: no hook evaluates during training; add one, of type Evaluation"
    names: tuple[str, ...] | None = getattr(sources[source], "metric_names", None)
    if names is None or any(_fits(metric.removeprefix(f"{source}/"), name) for name in names):
        return ""
    hint = suggestion(metric, [f"{source}/{name}" for name in names])
    return f"{dotted(('eval', source))} does not measure '{metric}'{hint}"


def _fits(name: str, pattern: str) -> bool:
    """Whether a metric is `pattern`, or one of those that a pattern with `/*` at its end stands for."""
    return name.startswith(pattern[:-1]) if pattern.endswith("/*") else name == pattern


def _classes(experiment: "Experiment") -> Iterator[Problem]:
    if getattr(experiment.model, "gives_classes", True) or len(getattr(experiment.data.val, "classes", ())) == 1:
        return
    for name, evaluator in experiment.eval.items():
        if not getattr(evaluator, "class_agnostic", True):
            message = "the detector gives boxes without classes, of which most would count as wrong: set it to true"
            yield Problem(path=dotted(("eval", name, "class_agnostic")), message=message)
        elif getattr(evaluator, "compares_classes", False):
            message = "compares classes, and the detector gives boxes without any: remove it"
            yield Problem(path=dotted(("eval", name)), message=message)


def _masks(experiment: "Experiment") -> Iterator[Problem]:
    """What gives masks, learns them and compares them goes together."""
    gives, data = getattr(experiment.model, "gives_masks", False), experiment.data
    compared = [name for name, evaluator in experiment.eval.items() if needs_masks(evaluator)]
    if not gives:
        for name in compared:
            message = "compares masks, and the detector gives none: use CocoBox, or a detector such as MaskRCNN"
            yield Problem(path=dotted(("eval", name, "type")), message=message)
        return
    sets = training_paths(data)
    if data.val is not None and (compared or validates(experiment)):
        sets["val"] = data.val
    for path, each in sets.items():
        if not getattr(each, "gives_masks", False):
            message = "has no masks, which the detector learns and gives: use data that has them, such as Coco"
            yield Problem(path=f"data.{path}.type", message=message)


def _frozen_weights(experiment: "Experiment") -> Iterator[Problem]:
    """A backbone that keeps what nothing has given it."""
    backbone: Any = getattr(experiment.model, "backbone", None)
    train = experiment.train
    from_scratch = getattr(backbone, "weights", "") == "none" and getattr(backbone, "weights_file", "") is None
    if not from_scratch or train.load_from is not None or train.resume_from is not None:
        return
    mend = "say which weights to start from (model.backbone.weights, weights_file or train.load_from)"
    unlearnt = "would keep statistics that were never taken, and normalise nothing"
    norm, path = getattr(backbone, "norm", ""), "model.backbone"
    if getattr(backbone, "frozen_stages", -1) >= 0:
        message = f"the frozen stages would keep random weights: set it to -1, or {mend}"
        yield Problem(path=f"{path}.frozen_stages", message=message)
    if getattr(backbone, "frozen_levels", 0) > 0:
        message = f"the frozen levels would keep random weights: set it to 0, or {mend}"
        yield Problem(path=f"{path}.frozen_levels", message=message)
    if norm == "FrozenBN":
        yield Problem(path=f"{path}.norm", message=f"FrozenBN {unlearnt}: choose BN or GN, or {mend}")
    elif norm in ("BN", "SyncBN") and getattr(backbone, "norm_eval", False):
        yield Problem(path=f"{path}.norm_eval", message=f"{norm} {unlearnt}: set it to false, or {mend}")


def _batches(experiment: "Experiment") -> Iterator[Problem]:
    images = _known_images(experiment.data)
    batch, batches = experiment.data.images_per_device, experiment.train.accumulate
    if images is None or images >= batch * batches:
        return
    if images < batch:
        message = f"{images} training images, but a batch takes {batch}: lower it"
        yield Problem(path="data.images_per_device", message=message)
    else:
        message = f"{images} training images, but an optimizer step takes {batches} batches of {batch}: lower it"
        yield Problem(path="train.accumulate", message=message)


def _schedule(experiment: "Experiment") -> Iterator[Problem]:
    yield from length_problems(experiment, images=_known_images(experiment.data))


def _class_lists(experiment: "Experiment") -> Iterator[Problem]:
    """Labels are numbers: sets that are used together number the same classes alike."""
    data = experiment.data
    sets: dict[str, Spec | None] = {**training_paths(data), "val": data.val}
    named = [(path, classes) for path, each in sets.items() if (classes := getattr(each, "classes", ()))]
    for path, classes in named[1:]:
        if classes != named[0][1]:
            message = f"differ from those of data.{named[0][0]}, or stand in another order"
            yield Problem(path=f"data.{path}.classes", message=message)


def _proposals(experiment: "Experiment") -> Iterator[Problem]:
    """A detector that finds no boxes itself is given some, in every set that it sees."""
    if not getattr(experiment.model, "uses_proposals", False):
        return
    data = experiment.data
    seen = ["train", *(["val"] if data.val is not None and (experiment.eval or validates(experiment)) else [])]
    for role in seen:
        if getattr(data, f"{role}_proposals") is None:
            message = "the detector finds no boxes itself: name a file of them, which `specdet proposals` writes"
            yield Problem(path=f"data.{role}_proposals", message=message)


def _known_images(data: DataSpec) -> int | None:
    """How many training images there are, where every set says so itself."""
    sets = data.training_sets
    return sum(each.count for each in sets) if all(isinstance(each, ShapesSpec) for each in sets) else None


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
