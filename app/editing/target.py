"""Target: the spec file that a page is about, by the name that stands in its URL."""

import os
from pathlib import Path

import attrs

from app.security.roots import Outside, Roots
from specdet.runs.index import is_run
from specdet.spec.compose import SHIPPED, shipped_specs

SUFFIX = ".toml"


@attrs.frozen(kw_only=True)
class Target:
    """A spec file.

    Attributes:
        name: Its path from the workspace, or `specdet:NAME` for a shipped one: what URLs and `extends` say.
        path: Where it lies; absolute.
        why_fixed: Why it is not to be changed where it lies; empty where it may be.
    """

    name: str
    path: Path
    why_fixed: str = ""

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with specdet."""
        return self.name.startswith(SHIPPED)

    @property
    def is_part(self) -> bool:
        """Whether it is a base for others by where it lies, as for `specdet check --partial`."""
        return "base" in Path(self.name.removeprefix(SHIPPED)).parts[:-1]


def target_of(name: str, *, roots: Roots) -> Target:
    """The spec file that a URL names. Raises Outside, with a sentence, for what the app does not open as a spec."""
    if name.startswith(SHIPPED):
        return _shipped(name.removeprefix(SHIPPED))
    path = inside_workspace(name, roots=roots)
    relative = os.path.relpath(path, os.path.realpath(roots.workspace))
    run = next((each for each in path.parents if is_run(each)), None)
    fixed = f"It belongs to the run {run.name}, and says what that was trained with." if run else ""
    return Target(name=Path(relative).as_posix(), path=path, why_fixed=fixed)


def inside_workspace(name: str, *, roots: Roots) -> Path:
    """The real path of a spec file of the workspace, there or not. Raises Outside."""
    if not name.strip() or not name.isprintable():
        raise Outside("this is no name of a file")
    workspace = Path(os.path.realpath(roots.workspace))
    real = Path(os.path.realpath(workspace / name))
    if not real.is_relative_to(workspace):
        raise Outside(f"{name} lies outside of the folder that the app was started in: start the app above it")
    if any(part.startswith(".") for part in real.relative_to(workspace).parts[:-1]):
        raise Outside(f"{name} lies in a hidden folder: what lies there is no spec, and may be a secret")
    if real.suffix != SUFFIX:
        raise Outside(f"{name}: the name of a spec ends in {SUFFIX}")
    return real


def _shipped(name: str) -> Target:
    folder = Path(os.path.realpath(shipped_specs()))
    real = Path(os.path.realpath(folder / name)) if name and name.isprintable() else folder
    if not real.is_relative_to(folder) or real.suffix != SUFFIX or not real.is_file():
        raise Outside(f"specdet has no spec called {name}")
    short = f"{SHIPPED}{real.relative_to(folder).as_posix()}"
    return Target(name=short, path=real, why_fixed="It comes with specdet.")
