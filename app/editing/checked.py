"""Checked: what a text comes to as a spec, and all that is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from app.security.roots import why_no_base
from specdet.experiment import DEFAULT_HOOKS, Experiment, experiment_of
from specdet.registry import COMPONENTS, Components
from specdet.spec import Problem, SpecError
from specdet.spec.argument import plain
from specdet.spec.compose import LANGUAGE_KEYS, compose
from specdet.spec.composed import Composed
from specdet.spec.paths import dotted
from specdet.spec.plugins import PluginFile, known_components, plugin_files
from specdet.spec.read import read_file
from specdet.spec.values import value_text


@attrs.frozen(kw_only=True)
class Checked:
    """A text that was read as a spec.

    Attributes:
        path: The file that it is of, links followed: as origins name it.
        text: What was read.
        own: What the text itself says; empty where it is no TOML.
        composed: With all that it extends.
        below: What the spec would be if the text said nothing but what it extends and unsets.
        components: All that a `type` may name here, trusted plugins included.
        problems: All that is wrong, in the order of the files and lines.
        experiment: What it comes to; None where something is wrong, and of a part.
        is_toml: Whether the text can be read at all.
    """

    path: Path
    text: str
    own: Mapping[str, Any]
    composed: Composed
    below: Composed
    components: Components
    problems: tuple[Problem, ...]
    experiment: Experiment | None
    is_toml: bool

    def is_here(self, problem: Problem) -> bool:
        """Whether the place of a problem is in this text, and not in a file that it extends."""
        return problem.origin.file == self.path


def check_text(path: Path, text: str, *, part: bool = False) -> Checked:
    """Read `text` as what the file at `path` says.

    Args:
        path: Which need not exist; relative paths in the text start from its folder.
        text: The text.
        part: Whether it is a base for others, and may leave something to them.
    """
    base = {"hooks": DEFAULT_HOOKS}
    found = read_file(path, text=text)
    composed = compose(path, base=base, text=text, part=part, refuse=why_no_base)
    experiment, problems = None, ()
    try:
        whole = experiment_of(composed, partial=part)
        experiment = None if part else whole
    except SpecError as error:
        problems = error.problems
    below = compose(path, base=base, text=_only_language(found.table), part=True, refuse=why_no_base)
    return Checked(
        path=composed.files[-1],
        text=text,
        own=found.table,
        composed=composed,
        below=below,
        components=_components(composed),
        problems=tuple(problems),
        experiment=experiment,
        is_toml=found.usable and not (found.problem and not found.table),
    )


def _only_language(table: Mapping[str, Any]) -> str:
    """A text that extends and removes the same, and says nothing itself."""
    kept = {key: table[key] for key in LANGUAGE_KEYS if isinstance(table.get(key), list)}
    return "".join(f"{dotted((key,))} = {value_text(value, one_line=True)}\n" for key, value in kept.items())


def _components(composed: Composed) -> Components:
    return COMPONENTS if composed.foreign else known_components(composed.tree, plugins_of(composed), []).components


def plugins_of(composed: Composed) -> list[PluginFile]:
    """The plugin files that a spec names, trusted or not."""
    folder = composed.origin(("plugins",)).folder
    return plugin_files(plain(composed.tree.get("plugins")), folder=folder, given=())
