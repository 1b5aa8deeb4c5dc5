"""Writing a spec out: every default said, nothing inherited, so that the text alone gives the same experiment again."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from specdet.registry import Registry
from specdet.spec.base import Spec
from specdet.spec.fields import meta_of
from specdet.spec.published import Published
from specdet.spec.secret import Secret


def to_table(spec: Spec, *, roots: Mapping[str, Path | None] = MappingProxyType({})) -> dict[str, Any]:
    """The spec as plain TOML values; components carry their `type`.

    Args:
        roots: Folders by their path in the spec, from which paths that lie under them are said: so a run can be moved
            to where its data lie elsewhere by changing that one.

    Raises:
        ValueError: For a component whose class has no tag, since it was given from Python; a file cannot name it.
    """
    table: dict[str, Any] = {}
    for attribute in attrs.fields(type(spec)):
        value = getattr(spec, attribute.name)
        if value is not None:
            root = roots.get(meta_of(attribute).relative_to)
            if root is not None and isinstance(value, Path) and value.is_relative_to(root):
                value = value.relative_to(root)
            table[attribute.name] = _value(value, meta_of(attribute).family, roots)
    return table


def dumps(table: Mapping[str, Any]) -> str:
    """The table as TOML 1.0 text."""
    import tomlkit  # 40 ms: paid by who writes, not by who checks

    return tomlkit.dumps(table)


def _value(value: Any, family: str, roots: Mapping[str, Path | None]) -> Any:
    if isinstance(value, Spec):
        return {**_tag(value, family), **to_table(value, roots=roots)}
    if isinstance(value, Mapping):
        return {key: _value(item, family, roots) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_value(item, family, roots) for item in value]
    if isinstance(value, Secret):
        return {"env": value.env}
    return str(value) if isinstance(value, Path | Published) else value


def _tag(spec: Spec, family: str) -> dict[str, str]:
    if not family:
        return {}
    tag = Registry(family).tag_of(type(spec))
    if tag is None:
        raise ValueError(
            f"{type(spec).__name__} was given from Python and has no tag in the registry: a spec file cannot name it"
        )
    return {"type": tag}
