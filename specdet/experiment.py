"""Experiment: the root of every spec, and `load`, which reads one from a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import attrs

from specdet.data.spec import DataSpec
from specdet.registry import Registry
from specdet.runner.spec import TrainSpec
from specdet.spec import Problem, Spec, SpecError, component, field, spec
from specdet.spec.compose import Composed, compose
from specdet.spec.dump import dumps, to_table
from specdet.spec.structure import structure

# What every run does unless its spec says otherwise: change one under its key, remove it with `unset` or `~hooks.NAME`.
DEFAULT_HOOKS = {
    "optimizer": {"type": "Optimizer"},
    "evaluate": {"type": "Evaluation"},
    "checkpoint": {"type": "Checkpoint"},
    "log": {"type": "TextLog"},
    "events": {"type": "Events"},
}


@spec
class Experiment(Spec):
    """A whole experiment: what is trained, on what, how, and what is written down."""

    spec: Literal[1] = field(1, help="Version of the spec language.")
    name: str = field("", help="What the run is called; the file's name where this is empty.")
    seed: int = field(
        0, ge=0, lt=2**31, help="Seed of the initial weights, the order of the data and every augmentation."
    )
    model: Spec = component("detector", help="The detector.")
    data: DataSpec = field(help="The images to train and evaluate on, and how they are loaded.")
    optimizer: Spec = component("optimizer", help="The optimizer.")
    schedule: Spec = component("schedule", default={"type": "Constant"}, help="The learning rate over time.")
    train: TrainSpec = field(factory=TrainSpec, help="How long and how to train.")
    eval: dict[str, Spec] = component(
        "evaluator", default={}, help="What to measure on data.val; each key prefixes its metrics."
    )
    hooks: dict[str, Spec] = component("hook", default=DEFAULT_HOOKS, help="What happens around each step and epoch.")

    def problems(self) -> Iterable[Problem]:
        if self.eval and self.data.val is None:
            yield Problem(path="eval", message="there is nothing to evaluate on: data.val is missing")
        sources = [*self.eval, *(["val"] if any(mode == "val" for mode, _ in self.train.workflow) else [])]
        for name, hook in self.hooks.items():
            for key in ("keep_best", "metric"):
                metric = getattr(hook, key, None)
                if isinstance(metric, str) and metric.partition("/")[0] not in sources:
                    known = ", ".join(f"{source}/..." for source in sources) or "none: the spec has no [eval]"
                    message = f"nothing measures '{metric}' (metrics: {known})"
                    yield Problem(path=f"hooks.{name}.{key}", message=message)


@attrs.frozen(kw_only=True)
class Loaded:
    """An experiment with the text it came from."""

    experiment: Experiment
    composed: Composed


def load(path: str | Path, overrides: Iterable[str] = ()) -> Experiment:
    """The experiment of a spec file.

    Args:
        path: The file, or `specdet:NAME` for a shipped one.
        overrides: `key=value` and `~key`, as on the command line.

    Raises:
        SpecError: With all that is wrong; its `problems` name file and path.
    """
    return load_with_source(path, overrides).experiment


def load_with_source(path: str | Path, overrides: Iterable[str] = ()) -> Loaded:
    """As `load`, with the composed table and the text as its author wrote it."""
    composed = compose(path, overrides, base={"hooks": DEFAULT_HOOKS})
    composed.tree.setdefault("hooks", {})  # removed as a whole; an absent table would mean the default ones
    experiment = structure(composed.tree, Experiment, origins=composed.origins)
    if not experiment.name:
        experiment = attrs.evolve(experiment, name=composed.files[-1].stem)
    return Loaded(experiment=experiment, composed=composed)


def resolved(experiment: Experiment) -> str:
    """The experiment as one TOML text: every default written, nothing extended, paths absolute."""
    removed = [f"hooks.{name}" for name in DEFAULT_HOOKS if name not in experiment.hooks]
    table: dict[str, Any] = to_table(experiment)
    return dumps({"spec": table.pop("spec"), **({"unset": removed} if removed else {}), **table})


__all__ = ["DEFAULT_HOOKS", "Experiment", "Loaded", "Registry", "SpecError", "load", "load_with_source", "resolved"]
