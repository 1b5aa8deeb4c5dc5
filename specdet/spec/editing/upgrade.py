"""Upgrading a spec from the version of the language that it was written for, step by step, comments kept."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import attrs

from specdet.spec.editing.edit import SpecFile
from specdet.spec.origin import Origin
from specdet.spec.problems import Problem, SpecError
from specdet.spec.version import VERSION


@attrs.frozen(kw_only=True)
class Migration:
    """What a new version of the language changed.

    Attributes:
        line: One line that tells it to whoever has the spec.
        apply: Gives the file in the new version, by the edits of SpecFile; what the file does not say, it leaves out.
            The key `spec` is none of its business.
    """

    line: str
    apply: Callable[[SpecFile], SpecFile]


# From each version to the next one. The first version is the only one so far.
MIGRATIONS: Mapping[int, Migration] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Upgrade:
    """What became of a file.

    Attributes:
        file: With the new text; not saved.
        version: That the file was written for; None where it does not say, and nobody else did.
        lines: What was changed, a line for each version; none where the file is left alone.
    """

    file: SpecFile
    version: int | None
    lines: tuple[str, ...] = ()


def upgrade(
    file: SpecFile,
    *,
    unsaid: int | None = None,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    current: int = VERSION,
) -> Upgrade:
    """Bring a file to the current version; what it extends is not touched.

    Args:
        file: As it was read.
        unsaid: The version of a file that does not say its own. It says so afterwards: a second upgrade finds it done.
        migrations: From each version to the next one.
        current: The version to arrive at.

    Raises:
        SpecError: Where the file has mistakes, says a version that there is not (yet), or cannot be edited.
    """
    said = file.tree.get("spec", unsaid)
    if said is None:
        return Upgrade(file=file, version=None)
    if type(said) is not int or said < 1:
        raise _error(file, "expected the version of the language, a whole number from 1")
    if said > current:
        message = f"written for version {said} of the language, and this specdet knows {current}: update specdet"
        raise _error(file, message)
    steps = [migrations[version] for version in range(said, current)]
    if not steps:
        return Upgrade(file=file, version=said)
    new = file
    for step in steps:
        new = step.apply(new)
    return Upgrade(file=new.set(("spec",), current), version=said, lines=tuple(step.line for step in steps))


def _error(file: SpecFile, message: str) -> SpecError:
    return SpecError([Problem(path="spec", message=message, origin=Origin(file=file.path))])
