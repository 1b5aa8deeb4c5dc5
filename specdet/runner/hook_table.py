"""HookTable: the hooks of a run, in order, and what to call at each point."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from specdet.registry import suggestion
from specdet.runner.hooks.base import POINTS, PRIORITIES, Hook, overridden_points
from specdet.spec import Spec
from specdet.spec.structure import structure_component


@attrs.frozen
class _Entry:
    name: str
    hook: Hook
    priority: str
    points: list[str]


def build_hook(value: Spec | Mapping[str, Any] | Hook, *, default_type: str | None = None) -> Hook:
    """A hook of a spec, of a table with a `type`, or the hook itself.

    Args:
        default_type: The type of a table that says none.

    Raises:
        SpecError: For a table that describes no hook.
    """
    if isinstance(value, Hook):
        return value
    if isinstance(value, Mapping) and default_type is not None:
        value = {"type": default_type, **value}
    return structure_component(value, family="hook").build()


class HookTable:
    """Hooks by unique name, ordered by priority and then by registration."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._calls: dict[str, tuple[Callable[[Any], None], ...]] = dict.fromkeys(POINTS, ())

    def register(self, hook: Hook, *, name: str, priority: str) -> None:
        """Add a hook.

        Raises:
            ValueError: For a name that is taken, or an unknown priority; the message lists the known ones.
            TypeError: For a method that is named like a hook point but is none.
        """
        if priority not in PRIORITIES:
            raise ValueError(f"no priority is called '{priority}'; the priorities are {', '.join(PRIORITIES)}")
        if name in self:
            raise ValueError(f"there is a hook called '{name}' already; give this {type(hook).__name__} another name")
        self._entries.append(_Entry(name, hook, priority, overridden_points(hook)))
        self._entries.sort(key=lambda entry: PRIORITIES.index(entry.priority))  # stable within a priority
        for point in POINTS:
            self._calls[point] = tuple(getattr(entry.hook, point) for entry in self._entries if point in entry.points)

    def calls(self, point: str) -> tuple[Callable[[Any], None], ...]:
        """The bound methods to call at a point, in order.

        Raises:
            ValueError: For an unknown point.
        """
        try:
            return self._calls[point]
        except KeyError:
            raise ValueError(f"no hook point is called '{point}'{suggestion(point, POINTS)}") from None

    @property
    def order(self) -> list[str]:
        """A line for each hook in the order in which they are called: priority, name, class and points."""
        return [
            f"{entry.priority} {entry.name} ({type(entry.hook).__name__}: {', '.join(entry.points)})"
            for entry in self._entries
        ]

    def items(self) -> Iterator[tuple[str, Hook]]:
        """Names and hooks in order."""
        return ((entry.name, entry.hook) for entry in self._entries)

    def __contains__(self, name: str) -> bool:
        return any(entry.name == name for entry in self._entries)
