"""Subject: whose data a page shows, by its URL: those of a spec file, or of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from app.editing.target import target_of
from app.security.roots import Outside, Roots, file_of, why_no_base
from specdet.experiment import Experiment, load
from specdet.runs.launch_command import SPEC
from specdet.spec import Problem, SpecError


@attrs.frozen(kw_only=True)
class Subject:
    """What the URL names.

    Attributes:
        kind: A spec file, or the stored spec of a run.
        name: As the URL says it.
        path: The file.
    """

    kind: Literal["spec", "run"]
    name: str
    path: Path


@attrs.frozen(kw_only=True)
class Read:
    """What stands in it: an experiment, or all that is wrong with it."""

    experiment: Experiment | None = None
    problems: tuple[Problem, ...] = ()


def subject_of(parameters: Mapping[str, str], *, roots: Roots) -> Subject | None:
    """What a URL names, or None where it names nothing.

    Raises:
        Outside: With a sentence, for what is not there or what the app does not open.
    """
    spec, run = parameters.get("spec", ""), parameters.get("run", "")
    if spec and run:
        raise Outside("Only one of spec and run can be meant.")
    if run:
        path = file_of(roots.run(run), SPEC)
        if not path.is_file():
            raise Outside(f"The run {run} has no {SPEC}: it was never started, or the file was removed.")
        return Subject(kind="run", name=run, path=path)
    if not spec:
        return None
    target = target_of(spec, roots=roots)
    if not target.path.is_file():
        raise Outside(f"There is no file {spec} in {roots.workspace}: was it moved or deleted?")
    return Subject(kind="spec", name=target.name, path=target.path)


def read(subject: Subject) -> Read:
    """The experiment of a subject; no plugin runs that the user has not trusted."""
    try:
        return Read(experiment=load(subject.path, refuse=why_no_base))
    except SpecError as error:
        return Read(problems=error.problems)
    except OSError as error:
        sentence = f"{error.filename or subject.name} cannot be read: {error.strerror or error}"
        return Read(problems=(Problem(path="", message=sentence, kind="environment"),))
