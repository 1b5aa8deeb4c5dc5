"""What differs between two specs: by key, and by value with its type."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from specdet.spec.paths import SpecPath

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()


@attrs.frozen(kw_only=True)
class Change:
    """One key that is not the same on both sides; ABSENT where a side has no such key."""

    path: SpecPath
    before: Any
    after: Any


def changes(before: Mapping[str, Any], after: Mapping[str, Any], *, prefix: SpecPath = ()) -> Iterator[Change]:
    """Every key whose value differs, tables key by key; the order of keys that both have is told as `order`."""
    for key in (*before, *(key for key in after if key not in before)):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        path = (*prefix, key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from changes(old, new, prefix=path)
        elif isinstance(old, Mapping) and new is ABSENT and old:
            yield from changes(old, {}, prefix=path)
        elif isinstance(new, Mapping) and old is ABSENT and new:
            yield from changes({}, new, prefix=path)
        elif type(old) is not type(new) or old != new:
            yield Change(path=path, before=old, after=new)
    here, there = [key for key in before if key in after], [key for key in after if key in before]
    if here != there:
        yield Change(path=(*prefix, "order"), before=here, after=there)
