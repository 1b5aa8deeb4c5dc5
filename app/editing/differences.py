"""Differences: of texts line by line, and of specs value by value."""

from difflib import unified_diff
from typing import Any

import attrs

from app.editing.checked import Checked
from app.editing.form import FormGroup, Source
from specdet.spec.argument import plain
from specdet.spec.compose import LANGUAGE_KEYS
from specdet.spec.diff import ABSENT, changes
from specdet.spec.dump import to_table
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.values import value_text


@attrs.frozen(kw_only=True)
class Difference:
    """A value that is not the same on both sides, as text; empty where a side has none."""

    key: str
    before: str
    after: str


def text_diff(before: str, after: str, *, names: tuple[str, str]) -> str:
    """A unified diff; empty where both are the same."""
    sides = (text.splitlines(keepends=True) for text in (before, after))
    lines = unified_diff(*sides, fromfile=names[0], tofile=names[1])
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no end of line\n" for line in lines)


def from_saved(saved: Checked, now: Checked) -> list[Difference]:
    """What the experiment differs in; of texts that make none, what they say themselves."""
    if saved.experiment and now.experiment:
        return _differences(to_table(saved.experiment), to_table(now.experiment))
    return _differences(saved.composed.tree, now.composed.tree)


def from_bases(checked: Checked) -> list[Difference]:
    """What the file changes of what it extends and of the default hooks."""
    return _differences(checked.below.tree, checked.composed.tree)


def from_defaults(form: FormGroup) -> list[Difference]:
    """Every value that is not its default, wherever it was said."""
    found = []
    for group in form.groups():
        default = group.field.default if group.field else None
        default_tag = default.get("type") if isinstance(default, dict) else None
        if group.tag not in (None, default_tag):
            found.append(_difference((*group.path, "type"), default_tag, group.tag))
    for field in form.fields():
        said = field.source in (Source.OWN, Source.INHERITED) and field.path[0] not in LANGUAGE_KEYS
        if said and field.value != field.field.default:
            found.append(_difference(field.path, field.field.default, field.value))
    return found


def _differences(before: Any, after: Any) -> list[Difference]:
    return [_difference(change.path, change.before, change.after) for change in changes(before, after)]


def _difference(path: SpecPath, before: Any, after: Any) -> Difference:
    return Difference(key=dotted(path), before=_text(before), after=_text(after))


def _text(value: Any) -> str:
    return "" if value is None or value is ABSENT else value_text(plain(value), one_line=True)
