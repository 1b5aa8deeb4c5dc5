"""Starting runs: from a spec to a run directory that a supervisor owns, for verbs, the app and other programs."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs

from specdet.runs.launch_command import SPEC, LaunchOptions
from specdet.spec import Problem, SpecError

if TYPE_CHECKING:
    from specdet.experiment import Experiment, Loaded
    from specdet.runs.submit import Draft
    from specdet.spec.compose import Refuse

Via = Literal["cli", "gui", "sweep"]


class BusyError(Exception):
    """The devices are taken, and the run is not to wait."""


def name_override(name: str) -> str:
    """The override that calls a run `name`."""
    import json

    return f"name={json.dumps(name, ensure_ascii=False)}"


def launch_options(
    *,
    devices: str | None = None,
    processes: int | None = None,
    waits: bool = False,
    plugins: Sequence[str | Path] = (),
    before: LaunchOptions | None = None,
    machines: int | None = None,
    machine_rank: int | None = None,
    main_address: str | None = None,
    known: Sequence[str] | None = None,
) -> LaunchOptions:
    """How to launch, as asked, and in what was not asked as before.

    Args:
        devices: "auto" (free GPUs, else the CPU), "all", "cpu", or GPUs by number or UUID with commas.
        processes: On this machine; one for each GPU.
        waits: Whether the run waits where the devices are busy.
        plugins: Files of components that may run.
        before: How the run was launched the last time.
        machines, machine_rank, main_address: As of `LaunchOptions`.
        known: The devices of this machine, which is asked unless they are given.

    Raises:
        ValueError: For what this machine has not, or what does not go together.
    """
    from specdet.runs.devices import choose, device_names

    if before is not None and devices is None and processes is None:
        wanted, processes = before.wanted, before.processes
    else:
        wanted, processes = choose(
            devices or "auto", processes=processes, known=device_names() if known is None else known
        )
    settings = before or LaunchOptions(wanted=wanted)
    given = {"machines": machines, "machine_rank": machine_rank, "main_address": main_address}
    return attrs.evolve(
        settings,
        wanted=wanted,
        processes=processes,
        waits=waits,
        plugins=tuple(str(Path(file).absolute()) for file in plugins) or settings.plugins,
        overrides=(),
        **{name: value for name, value in given.items() if value is not None},
    )


def load_to_start(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    plugins: Iterable[str] = (),
    run: Path | None = None,
    text: str | None = None,
    refuse: "Refuse | None" = None,
) -> "Loaded":
    """The experiment of a spec that a training can be started with; what the training would refuse is found here.

    Args:
        path, overrides, plugins, text, refuse: As of `load`.
        run: The run directory that the training goes on in; a new one unless given.

    Raises:
        SpecError: With all that is wrong with the spec, or with what this machine has for it.
    """
    from specdet.checks.files import missing_files
    from specdet.experiment import load_with_source

    loaded = load_with_source(path, overrides, plugins=plugins, text=text, refuse=refuse)
    if found := [*missing_files(loaded.experiment), *(_resumes(loaded.experiment) if run is None else ())]:
        raise SpecError(loaded.composed.located(found))
    return loaded


def load_to_resume(
    directory: Path,
    overrides: Sequence[str] = (),
    *,
    plugins: Iterable[str] = (),
    refuse: "Refuse | None" = None,
) -> "Loaded":
    """As `load_to_start`, of a run's stored spec to go on with. Raises SpecError also where it has finished."""
    from specdet.runs.state import read_state

    state = read_state(directory)
    if state is not None and state.state == "finished" and not overrides:
        message = f"{directory.name} has finished: to train it longer, say so, as in train.max_epochs=24"
        raise SpecError([Problem(path="", message=message)])
    return load_to_start(directory / SPEC, overrides, plugins=plugins, run=directory, refuse=refuse)


def load_to_rerun(
    parent: Path, overrides: Sequence[str] = (), *, plugins: Iterable[str] = (), refuse: "Refuse | None" = None
) -> "Loaded":
    """As `load_to_start`, of a run's stored spec to train anew."""
    plugins = [*plugins]
    overrides = overrides_to_rerun(parent, overrides, plugins=plugins, refuse=refuse)
    return load_to_start(parent / SPEC, overrides, plugins=plugins, refuse=refuse)


def overrides_to_rerun(
    parent: Path, overrides: Sequence[str], *, plugins: Iterable[str] = (), refuse: "Refuse | None" = None
) -> list[str]:
    """The overrides with which a run's stored spec is trained anew. Raises SpecError for a spec that is wrong."""
    from specdet.experiment import load

    # A run that was resumed with changes holds that it goes on from itself, which a new one is not to do.
    resumed = load(parent / SPEC, plugins=plugins, refuse=refuse).train.resume_from is not None
    return ["~train.resume_from"] * resumed + [*overrides]


def refuse_if_busy(options: LaunchOptions) -> None:
    """Raise BusyError, which names the runs, where a run is not to wait and would have to."""
    from specdet.runs.devices import device_names
    from specdet.runs.tickets import busy_message, in_the_way

    runs = [] if options.waits else in_the_way(options.wanted, known=device_names())
    if runs:
        raise BusyError(busy_message(runs))


def start(
    spec: str | Path,
    overrides: Iterable[str] = (),
    *,
    options: LaunchOptions,
    root: Path | None = None,
    via: Via = "cli",
) -> Path:
    """Train a spec in a new run; gives its directory once a supervisor owns it.

    Args:
        spec: A file, or `specdet:NAME` for a shipped one.
        overrides: `key=value` and `~key`.
        options: How to launch it.
        root: The folder of all runs, `runs_root()` unless given.
        via: Who starts it.

    Raises:
        SpecError: With all that is wrong with the spec, or with what this machine has for it.
        BusyError: Where it is not to wait and would have to.
        OSError: Where the run directory cannot be made.
    """
    from specdet.runs.submit import submit

    loaded = load_to_start(spec, overrides, plugins=options.plugins)
    refuse_if_busy(options)
    return submit(_draft(loaded.experiment, source=loaded.composed.source), options, root=root, via=via)


def resume(directory: Path, overrides: Sequence[str] = (), *, options: LaunchOptions) -> None:
    """Start the next attempt of a run that has ended, in its directory, from its last checkpoint.

    Args:
        directory: The run directory.
        overrides: Changes to its spec, as `train.max_epochs=24`.
        options: How to launch it.

    Raises:
        SpecError, BusyError, OSError: As `start`, and where the run has finished or has not ended.
    """
    from specdet.runs.submit import resubmit

    load_to_resume(directory, overrides, plugins=options.plugins)
    refuse_if_busy(options)
    resubmit(directory, attrs.evolve(options, overrides=tuple(overrides)))


def options_to_resume(
    directory: Path,
    *,
    devices: str | None = None,
    processes: int | None = None,
    waits: bool = False,
    plugins: Sequence[str | Path] = (),
    known: Sequence[str] | None = None,
) -> LaunchOptions:
    """As `launch_options`, in what is not given as the run was launched, or started by hand, the last time."""
    from specdet.runs.submit import launched

    before = launched(directory)
    if before is None and devices is None and processes is None:
        processes = _world_size(directory)
    return launch_options(
        devices=devices, processes=processes, waits=waits, plugins=plugins, before=before, known=known
    )


def rerun(
    parent: Path,
    overrides: Sequence[str] = (),
    *,
    options: LaunchOptions,
    root: Path | None = None,
    via: Via = "cli",
) -> Path:
    """Train the stored spec of a run again, in a new run; gives its directory. Arguments and errors as of `start`."""
    from specdet.runs.submit import SOURCE, submit

    source = parent / SOURCE
    loaded = load_to_rerun(parent, overrides, plugins=options.plugins)
    refuse_if_busy(options)
    text = source.read_text(encoding="utf-8") if source.exists() else loaded.composed.source
    return submit(_draft(loaded.experiment, source=text), options, root=root, via=via, parent=parent.name)


def _draft(experiment: "Experiment", *, source: str) -> "Draft":
    from specdet.experiment import resolved
    from specdet.runs.submit import Draft

    return Draft(
        name=experiment.name,
        seed=experiment.seed,
        spec=resolved(experiment),
        source=source,
        annotations=experiment.data.annotation_files,
    )


def _resumes(experiment: "Experiment") -> Iterator[Problem]:
    """A launched run has a directory of its own; a run that goes on has one already."""
    from specdet.runs.directory import run_of

    source = experiment.train.resume_from
    run = run_of(source) if source is not None else None
    if run is not None:
        message = f"{run.name} is a run: go on with it by `specdet resume`, or take its weights by train.load_from"
        yield Problem(path="train.resume_from", message=message)


def _world_size(directory: Path) -> int | None:
    """Of how many processes a run was."""
    from specdet.runs.meta import NAME
    from specdet.runs.tables import find_table

    return find_table(directory / NAME).whole("world_size") or None
