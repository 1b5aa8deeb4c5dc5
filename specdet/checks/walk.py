"""Specs inside specs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from specdet.spec import Spec
from specdet.spec.paths import SpecPath


def specs_within(value: Any, *, path: SpecPath) -> Iterator[tuple[SpecPath, Spec]]:
    """`value`, where it is a spec, and all specs inside it, with their paths."""
    if isinstance(value, Spec):
        yield path, value
        items = vars(value).items()
    elif isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, tuple):
        items = ((str(place), item) for place, item in enumerate(value))
    else:
        return
    for key, item in items:
        yield from specs_within(item, path=(*path, key))


def rewritten(value: Any, change: Callable[[Spec], Spec]) -> Any:
    """`value` with `change` done to every spec in it, those inside first."""
    if isinstance(value, Spec):
        fields = {key: rewritten(item, change) for key, item in vars(value).items()}
        return change(attrs.evolve(value, **fields))
    if isinstance(value, Mapping):
        return {key: rewritten(item, change) for key, item in value.items()}
    return tuple(rewritten(item, change) for item in value) if isinstance(value, tuple) else value
