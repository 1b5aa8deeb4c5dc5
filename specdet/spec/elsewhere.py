"""Where else in a spec a key is known: a misplaced key is a commoner mistake than a misspelt one."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import attrs

from specdet.registry import Registry
from specdet.spec.base import Spec
from specdet.spec.fields import meta_of
from specdet.spec.paths import SpecPath, dotted
from specdet.spec.words import allows

DEEPEST = 4  # keys of a path that is worth suggesting
ANY_NAME = "NAME"  # stands for the user's own name of a keyed component


def taken_by(key: str, registry: Registry) -> str:
    """` (X and Y have it)` for the components of a family that know a key, or nothing."""
    tags = [tag for tag in registry.tags if key in attrs.fields_dict(registry.get(tag))]
    if not tags or len(tags) > 3:
        return ""
    return f" ({' and '.join(tags)} {'has' if len(tags) == 1 else 'have'} it)"


def known_at(key: str, root: type[Spec], registry_of: Callable[[str], Registry]) -> str:
    """` (did you mean 'model.backbone'?)` for the one place of a spec that knows a key, or nothing."""
    places = {path for path in _paths(root, registry_of, ()) if path[-1] == key}
    nearest = [path for path in places if len(path) == min(map(len, places))]
    if len(nearest) != 1:
        return ""
    return f" (did you mean '{dotted(nearest[0])}'{', above all tables' if len(nearest[0]) == 1 else ''}?)"


def _paths(kind: type[Spec], registry_of: Callable[[str], Registry], prefix: SpecPath) -> Iterator[SpecPath]:
    for attribute in attrs.fields(kind):
        path = (*prefix, attribute.name)
        yield path
        if len(path) < DEEPEST:
            for inner, name in _inside(attribute, registry_of):
                yield from _paths(inner, registry_of, (*path, *name))


def _inside(
    attribute: attrs.Attribute, registry_of: Callable[[str], Registry]
) -> Iterator[tuple[type[Spec], SpecPath]]:
    """The spec classes that a field may hold, and the name below it where it holds several."""
    family, kind = meta_of(attribute).family, attribute.type
    if family:
        registry = registry_of(family)
        name: SpecPath = () if allows(kind, Spec) else (ANY_NAME,)
        yield from ((registry.get(tag), name) for tag in registry.tags)
        return
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, Spec):
            yield each, (ANY_NAME,) if _is_keyed(kind) else ()


def _is_keyed(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is dict
