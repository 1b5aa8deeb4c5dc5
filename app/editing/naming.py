"""Names for new spec files, and errors in sentences."""

from pathlib import Path

from app.editing.target import SUFFIX, Target, inside_workspace, target_of
from app.security.roots import Outside, Roots
from specdet.spec import SpecError
from specdet.spec.compose import SHIPPED


def new_target(name: str) -> Target:
    """A file of the workspace that is to be made. Raises Outside, SpecError."""
    name = name.strip()
    name = f"{name}{SUFFIX}" if name and not name.endswith(SUFFIX) else name
    roots = Roots.here()
    target = target_of(name, roots=roots)
    if target.why_fixed:
        raise Outside("a run directory is no place for a spec: choose another folder")
    if inside_workspace(name, roots=roots).exists():
        raise SpecError.one(f"{target.name} exists already: it is not overwritten")
    return target


def proposed_name(target: Target) -> str:
    """A name that is free, like that of a spec."""
    old = Path(target.name.removeprefix(SHIPPED))
    folder = "" if target.why_fixed else f"{old.parent.as_posix()}/".removeprefix("./")
    endings = ("", "_copy", *(f"_copy{number}" for number in range(2, 100)))
    names = [f"{folder}{old.stem}{ending}{SUFFIX}" for ending in endings]
    workspace = Roots.here().workspace
    return next((name for name in names if not (workspace / name).exists()), names[-1])


def sentence(error: Exception) -> str:
    """An error without the place that the person knows already."""
    return "; ".join(problem.message for problem in error.problems) if isinstance(error, SpecError) else str(error)
