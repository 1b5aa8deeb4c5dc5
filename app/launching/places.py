"""Places: every path of a spec that can be changed from here, with what stands there."""

from collections.abc import Iterator, Mapping
from typing import Any

from specdet.experiment import Experiment
from specdet.spec import Spec
from specdet.spec.dump import to_table
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.values import value_text

LONGEST = 60  # characters of a value that are shown
OWN_FIELDS = ("spec", "plugins")  # not changed for one run: the language, and code


def places(experiment: Experiment) -> dict[str, str]:
    """By path, in the order of the spec: its value as TOML, empty where none is given."""
    table = to_table(experiment)
    return {dotted(path): text for path, text in _walk(experiment, table, ()) if path[0] not in OWN_FIELDS}


def _walk(value: Any, table: Any, path: SpecPath) -> Iterator[tuple[SpecPath, str]]:
    if isinstance(value, Spec):
        inside = table if isinstance(table, Mapping) else {}
        if "type" in inside:
            yield (*path, "type"), _shown(inside["type"])
        for name, each in vars(value).items():
            if name != "type":
                yield from _walk(each, inside.get(name), (*path, name))
    elif isinstance(value, Mapping) and any(isinstance(each, Spec) for each in value.values()):
        for key, each in value.items():
            yield from _walk(each, table.get(key) if isinstance(table, Mapping) else None, (*path, key))
    else:
        yield path, "" if table is None else _shown(table)


def _shown(value: Any) -> str:
    text = value_text(value, one_line=True)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
