"""Subject: what a launch page is about, by its URL: a spec, a run to go on with, or a run to train again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from app.editing.target import target_of
from app.reading.guard import refuse_links
from app.security.roots import Outside, Roots
from specdet.runs.launch_command import SPEC

Verb = Literal["launch", "resume", "rerun"]
PARAMETERS: dict[str, Verb] = {"spec": "launch", "resume": "resume", "rerun": "rerun"}


@attrs.frozen(kw_only=True)
class Subject:
    """What is to be trained.

    Attributes:
        verb: The verb of `specdet` that does it.
        name: What that verb is told: a file by its path from the workspace, `specdet:NAME`, or the id of a run.
        path: The spec file, or the run directory.
    """

    verb: Verb
    name: str
    path: Path

    @property
    def spec(self) -> Path:
        """The file that is trained."""
        return self.path if self.verb == "launch" else self.path / SPEC

    @property
    def argument(self) -> str:
        """`name` as an argument that no parser takes for an option."""
        if not self.name.startswith("-"):
            return self.name
        return f"./{self.name}" if self.verb == "launch" else str(self.path)


def subject_of(parameters: Mapping[str, str], *, roots: Roots) -> Subject:
    """What a URL names. Raises Outside, with a sentence, for what is not there or what the app does not open."""
    named = [(key, parameters[key]) for key in PARAMETERS if parameters.get(key)]
    if len(named) != 1:
        raise Outside("only one of spec, resume and rerun can be meant" if named else "nothing was chosen to launch")
    ((key, name),) = named
    verb = PARAMETERS[key]
    if verb != "launch":
        run = roots.run(name)
        refuse_links(run)  # what a new run is made of is copied into it
        return Subject(verb=verb, name=name, path=run)
    target = target_of(name, roots=roots)
    if not target.path.is_file():
        raise Outside(f"There is no file {name} in {roots.workspace}: was it moved or deleted?")
    return Subject(verb=verb, name=target.name, path=target.path)
