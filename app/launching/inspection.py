"""Inspection: what a plan comes to, and all that stands in its way, without starting anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from app.launching.plan import Plan
from app.security.roots import why_no_base
from specdet.experiment import Experiment, Loaded, load_with_source, resolved
from specdet.launching import load_to_rerun, load_to_resume, load_to_start
from specdet.runs.status import read_status
from specdet.runs.submit import launched
from specdet.spec import Problem, SpecError
from specdet.spec.compose import SHIPPED, shipped_specs
from specdet.spec.report import as_json


@attrs.frozen(kw_only=True)
class Told:
    """A problem as it is shown.

    Attributes:
        where: File, line and column, or what was changed on this page; empty for neither.
        path: Of the value.
        message: A sentence.
        lacks: Whether this machine lacks something, and the spec is right.
        argument: The change that is wrong, where it is one.
    """

    where: str
    path: str
    message: str
    lacks: bool
    argument: str = ""

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> "Told":
        """A problem as `specdet check --json` tells it."""
        file, argument = table.get("file"), table.get("argument") or ""
        numbers = [str(table[key]) for key in ("line", "column") if table.get(key)]
        where = ":".join([_short(str(file)), *numbers]) if file else argument and f"change {argument}"
        lacks = table.get("kind") == "environment"
        return cls(where=where, path=str(table.get("path", "")), message=str(table.get("message", "")), lacks=lacks,
                   argument=argument)  # fmt: skip

    @classmethod
    def of(cls, problem: Problem) -> "Told":
        """A problem that was found here."""
        return cls.read(as_json(problem))

    @property
    def sentence(self) -> str:
        """All of it on one line."""
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


@attrs.frozen(kw_only=True)
class Inspection:
    """What was found.

    Attributes:
        problems: Why it cannot be started; empty where it can.
        experiment: What would be trained, where the spec is right, though this machine may lack something.
        text: That as one resolved spec, else empty.
    """

    problems: tuple[Told, ...] = ()
    experiment: Experiment | None = None
    text: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether it can be started."""
        return not self.problems

    def of_change(self, change: str) -> list[Told]:
        """What is wrong with one of the changes."""
        return [problem for problem in self.problems if problem.argument == change]

    @property
    def others(self) -> list[Told]:
        """What is wrong with anything but the changes."""
        return [problem for problem in self.problems if not problem.argument]


def inspect(plan: Plan) -> Inspection:
    """Check a plan as the start of it would. A spec, or a stored one, that cannot be read is a problem like others."""
    problems: list[Told] = []
    experiment: Experiment | None = None
    try:
        experiment = _load(plan).experiment
    except SpecError as error:
        problems += map(Told.of, error.problems)
        if all(problem.kind == "environment" for problem in error.problems):
            experiment = _without_looking(plan)
    except OSError as error:
        problems.append(_sentence(f"{error.filename or plan.subject.name} cannot be read: {error.strerror or error}"))
    if plan.subject.verb == "resume" and (status := read_status(plan.subject.path)).is_alive:
        problems.append(
            _sentence(f"{status.id} is {status.state}: a run can go on once it has ended, so stop it first")
        )
    return Inspection(
        problems=tuple(dict.fromkeys(problems)),
        experiment=experiment,
        text=resolved(experiment) if experiment is not None else "",
    )


def _load(plan: Plan) -> Loaded:
    subject, overrides = plan.subject, [*plan.overrides, *plan.named]
    if subject.verb == "launch":
        return load_to_start(subject.argument, overrides, refuse=why_no_base)
    before = launched(subject.path)
    plugins = before.plugins if before is not None else ()
    load = load_to_resume if subject.verb == "resume" else load_to_rerun
    return load(subject.path, overrides, plugins=plugins, refuse=why_no_base)


def _without_looking(plan: Plan) -> Experiment | None:
    """The experiment of a spec that is right; None where something else is wrong."""
    try:
        return load_with_source(plan.subject.spec, [*plan.overrides, *plan.named], refuse=why_no_base).experiment
    except SpecError:
        return None


def _sentence(message: str) -> Told:
    return Told(where="", path="", message=message, lacks=False)


def _short(file: str) -> str:
    """A file from here where it lies below, or as specs name those that come with specdet."""
    path = Path(file)
    for folder, prefix in ((Path.cwd(), ""), (shipped_specs(), SHIPPED)):
        if path.is_relative_to(folder):
            return f"{prefix}{path.relative_to(folder)}"
    return file
