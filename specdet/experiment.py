"""Experiment: the root of every spec, and `load`, which reads one from a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import attrs

from specdet.data.spec import DataSpec
from specdet.experiment_rules import part_problems
from specdet.runner.spec import TrainSpec
from specdet.spec import Problem, Spec, SpecError, component, field, spec
from specdet.spec.argument import plain
from specdet.spec.compose import LANGUAGE_KEYS, Refuse, compose
from specdet.spec.composed import Composed
from specdet.spec.dump import dumps, to_table
from specdet.spec.plugins import known_components, plugin_files
from specdet.spec.structure import structure
from specdet.spec.version import VERSION

# What every run does unless its spec says otherwise: change one under its key, remove it with `unset` or `~hooks.NAME`.
DEFAULT_HOOKS = {
    "optimizer": {"type": "Optimizer"},
    "evaluate": {"type": "Evaluation"},
    "predictions": {"type": "Predictions"},
    "checkpoint": {"type": "Checkpoint"},
    "log": {"type": "TextLog"},
    "events": {"type": "Events"},
}


@spec
class Experiment(Spec):
    """A whole experiment: what is trained, on what, how, and what is written down."""

    spec: Literal[1] = field(VERSION, help="Version of the spec language.")
    plugins: tuple[Path, ...] = field(
        (), advanced=True, help="Python files with components of your own; each runs only where it is trusted."
    )
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
        return part_problems(self)


@attrs.frozen(kw_only=True)
class Loaded:
    """An experiment with the texts it came from."""

    experiment: Experiment
    composed: Composed


def load(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    plugins: Iterable[str | Path] = (),
    text: str | None = None,
    refuse: Refuse | None = None,
) -> Experiment:
    """The experiment of a spec file.

    Args:
        path: The file, or `specdet:NAME` for a shipped one.
        overrides: `key=value` and `~key`, as on the command line.
        plugins: Files of components to run, besides those of the spec that the user has trusted.
        text: What the file is to say instead of what it says on disk: an editor's buffer.
        refuse: As of `compose`.

    Raises:
        SpecError: With all that is wrong; its `problems` name file, line, column and path.
    """
    return load_with_source(path, overrides, plugins=plugins, text=text, refuse=refuse).experiment


def load_with_source(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    plugins: Iterable[str | Path] = (),
    text: str | None = None,
    refuse: Refuse | None = None,
) -> Loaded:
    """As `load`, with the composed table and the text as its author wrote it."""
    composed = compose(path, overrides, base={"hooks": DEFAULT_HOOKS}, text=text, refuse=refuse)
    return Loaded(experiment=experiment_of(composed, plugins=plugins), composed=composed)


def check_part(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    plugins: Iterable[str | Path] = (),
    text: str | None = None,
    refuse: Refuse | None = None,
) -> None:
    """Check a file that others extend: all it says must be right, whatever is left for them to say.

    Raises:
        SpecError: With all that is wrong.
    """
    composed = compose(path, overrides, base={"hooks": DEFAULT_HOOKS}, text=text, part=True, refuse=refuse)
    experiment_of(composed, plugins=plugins, partial=True)


def experiment_of(composed: Composed, *, plugins: Iterable[str | Path] = (), partial: bool = False) -> Experiment:
    """The experiment of a composed spec.

    Args:
        composed: Lies over `DEFAULT_HOOKS`; its tree is completed.
        plugins: As of `load`.
        partial: Whether it is a base for others.

    Raises:
        SpecError: With all problems, of the files and of what they say.
    """
    if composed.foreign:
        raise SpecError(composed.problems)
    tree, problems = composed.tree, list(composed.problems)
    tree.setdefault("hooks", {})  # removed as a whole; an absent table would mean the default ones
    files = plugin_files(plain(tree.get("plugins")), folder=composed.origin(("plugins",)).folder, given=plugins)
    if any(file.given for file in files):
        tree["plugins"] = [str(file.path) for file in files]
    known = known_components(tree, files, problems)
    known = attrs.evolve(known, language_keys=LANGUAGE_KEYS, hint_of=_hint_of)
    experiment = None
    try:
        experiment = structure(
            tree, Experiment, origins=composed.origins, known=known, partial=partial or not composed.complete
        )
    except SpecError as error:
        problems += error.problems
    if problems:
        raise SpecError(composed.located(problems))
    assert experiment is not None, "structure gives an experiment or raises"
    if partial or experiment.name:
        return experiment
    return attrs.evolve(experiment, name=composed.files[-1].stem)


def _hint_of(key: str) -> str:
    from specdet.foreign_keys import hint_of  # a mistake pays for it

    return hint_of(key)


def resolved(experiment: Experiment) -> str:
    """The experiment as one TOML text: every default written, nothing extended, paths absolute."""
    removed = [f"hooks.{name}" for name in DEFAULT_HOOKS if name not in experiment.hooks]
    table: dict[str, Any] = to_table(experiment, roots={"data.root": experiment.data.root})
    names = list(experiment.hooks)
    if names != [
        *(name for name in DEFAULT_HOOKS if name in names),
        *(name for name in names if name not in DEFAULT_HOOKS),
    ]:
        table["hooks"] = {"order": names, **table["hooks"]}  # the default ones lie beneath and would come first
    return dumps({"spec": table.pop("spec"), **({"unset": removed} if removed else {}), **table})
