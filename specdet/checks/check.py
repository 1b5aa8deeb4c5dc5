"""`check`: everything that is wrong with a spec, before anything starts. The verb and the app ask it alike."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from specdet.experiment import check_part, load_with_source
from specdet.spec import Problem, SpecError


def check(
    path: str | Path,
    overrides: Iterable[str] = (),
    *,
    part: bool = False,
    data: bool = False,
    device: bool = False,
    plugins: Iterable[str | Path] = (),
    text: str | None = None,
    folders: Sequence[Path] | None = None,
) -> list[Problem]:
    """All problems of a spec, each with its place.

    Args:
        path: The file, or `specdet:NAME` for a shipped one.
        overrides: As on the command line.
        part: Whether the file is a base for others: what it leaves to them is no problem.
        data: Open the data too; whoever asks for that can wait.
        device: Ask this machine's device too, which imports torch.
        plugins: Plugin files that may run.
        text: What the file is to say instead of what it says on disk.
        folders: The only ones from which data may be opened; all may be unless given.
    """
    try:
        if part:
            check_part(path, overrides, plugins=plugins, text=text)
            return []
        loaded = load_with_source(path, overrides, plugins=plugins, text=text)
    except SpecError as error:
        return list(error.problems)
    found: list[Problem] = []
    if data:
        from specdet.checks.data import data_problems

        found += data_problems(loaded.experiment, folders=folders)
    if device:
        from specdet.checks.device import device_problems

        found += device_problems(loaded.experiment)
    return loaded.composed.located(found)
