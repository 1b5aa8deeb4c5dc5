"""Spec tables that are right but for one place."""

from copy import deepcopy
from typing import Any

import tomli

from specdet.spec.compose import shipped_specs
from specdet.spec.paths import undotted

RPN = tomli.loads((shipped_specs() / "rpn.toml").read_text(encoding="utf-8"))


def changed(path: str, value: Any, *, table: dict[str, Any] = RPN) -> dict[str, Any]:
    """A copy of `table`, specs/rpn.toml unless told, with another value at `path`; None removes the key."""
    copy = inside = deepcopy(table)
    *tables, last = undotted(path)
    for key in tables:
        inside = inside.setdefault(key, {})
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return copy
