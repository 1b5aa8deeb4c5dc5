"""Plan: what a launch form says, as the command that does the same, and done."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from app.launching.subject import Subject
from specdet.launching import (
    Via,
    launch_options,
    name_override,
    options_to_resume,
    overrides_to_rerun,
    rerun,
    resume,
    start,
)
from specdet.runs.launch_command import LaunchOptions, launch_command
from specdet.runs.submit import launched

VIA: Via = "gui"


@attrs.frozen(kw_only=True)
class Plan:
    """How a subject is to be launched; what is empty is not said.

    Attributes:
        devices: As `--devices`.
        processes: As `--processes`.
        waits: Whether it waits where the devices are busy.
        name: What the run is called.
        seed: As in the spec.
        precision: As train.precision in the spec.
        load_from: Weights to start from, as train.load_from in the spec.
        changes: `KEY=VALUE` and `~KEY`, as typed.
    """

    subject: Subject
    devices: str = ""
    processes: int | None = None
    waits: bool = False
    name: str = ""
    seed: int | None = None
    precision: str = ""
    load_from: str = ""
    changes: tuple[str, ...] = ()

    @property
    def overrides(self) -> list[str]:
        """All that differs from the subject's own spec, but the name."""
        fields = {"seed": self.seed, "train.precision": self.precision, "train.load_from": self.load_from}
        return [*(f"{key}={value}" for key, value in fields.items() if value not in ("", None)), *self.changes]

    @property
    def named(self) -> list[str]:
        """The name as an override, where one is given."""
        return [name_override(self.name)] if self.name else []

    @property
    def argv(self) -> list[str]:
        """The command line of `specdet` that does what `begin` does."""
        naming = [f"--name={self.name}"] if self.name and self.subject.verb == "launch" else []
        overrides = self.overrides if self.subject.verb == "launch" else [*self.overrides, *self.named]
        options = [
            *naming,
            *(["--devices", self.devices] if self.devices else []),
            *(["--processes", str(self.processes)] if self.processes else []),
            *(["--queue"] if self.waits else []),
            "--detach",
        ]
        return ["specdet", self.subject.verb, self.subject.argument, *overrides, *options]

    def options(self, *, known: Sequence[str] | None = None) -> LaunchOptions:
        """How to launch it; `known` as of `launch_options`. Raises ValueError for what this machine has not."""
        devices, subject = self.devices or None, self.subject
        if subject.verb == "resume":
            return options_to_resume(
                subject.path, devices=devices, processes=self.processes, waits=self.waits, known=known
            )
        before = launched(subject.path) if subject.verb == "rerun" else None
        return launch_options(devices=devices, processes=self.processes, waits=self.waits, before=before, known=known)

    def begin(self) -> Path:
        """Do it; gives the run directory. Raises what `specdet.launching` does: SpecError, BusyError, OSError."""
        options, overrides = self.options(), [*self.overrides, *self.named]
        match self.subject.verb:
            case "launch":
                return start(self.subject.argument, overrides, options=options, via=VIA)
            case "rerun":
                return rerun(self.subject.path, overrides, options=options, via=VIA)
            case "resume":
                resume(self.subject.path, overrides, options=options)
                return self.subject.path

    def without_supervisor(self, options: LaunchOptions, *, known: Sequence[str]) -> list[str]:
        """The command line of Accelerate that trains the same without a supervisor, as `env NAME=VALUE... accelerate`.

        Args:
            options: Those of this plan.
            known: The devices of this machine; of "any two", the first two are named.
        """
        subject, overrides = self.subject, [*self.overrides, *self.named]
        if subject.verb == "rerun":
            overrides = overrides_to_rerun(subject.path, overrides, plugins=options.plugins)
        options = attrs.evolve(options, overrides=tuple(overrides))
        devices = options.wanted.names or tuple(known)[: options.wanted.count]
        command = launch_command(options, devices=devices, directory=subject.path, attempt=1,
                                 resumes=subject.verb == "resume", environment={})  # fmt: skip
        shown = ("CUDA_VISIBLE_DEVICES", "ACCELERATE_USE_CPU")
        variables = [f"{name}={command.environment[name]}" for name in shown if name in command.environment]
        spec = subject.argument if subject.verb == "launch" else str(subject.spec)
        argv = [spec if each == str(subject.path / "spec.toml") else each for each in command.argv[3:]]
        return ["env", *variables, "accelerate", "launch", *argv]


def said_twice(changes: Iterable[str], plan: Plan) -> list[str]:
    """Which of the changes the fields of a plan say already."""
    own = {each.partition("=")[0] for each in (*attrs.evolve(plan, changes=()).overrides, *plan.named)}
    return [change for change in changes if change.lstrip("~").partition("=")[0].strip() in own]
