"""WithHooks: the part of a runner that hooks are registered with."""

from collections.abc import Mapping
from typing import Any

from specdet.runner.hook_table import HookTable, build_hook
from specdet.runner.hooks.base import Hook
from specdet.runner.hooks.lr import LrHook, Schedule, build_schedule
from specdet.spec import Spec

HookLike = Spec | Mapping[str, Any] | Hook


class WithHooks:
    """Has hooks, and calls them at named points, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._hooks = HookTable()

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """All hooks, in the order in which they are called."""
        return tuple(hook for _, hook in self.named_hooks)

    @property
    def named_hooks(self) -> tuple[tuple[str, Hook], ...]:
        """The same with their names."""
        return tuple(self._hooks.items())

    @property
    def hook_order(self) -> list[str]:
        """A line for each hook, in the order in which they are called."""
        return self._hooks.order

    def register_training_hooks(
        self,
        lr: Schedule | Spec | Mapping[str, Any] | Hook | None = None,
        optimizer: HookLike | None = None,
        checkpoint: HookLike | None = None,
        log: HookLike | None = None,
    ) -> None:
        """Register the hooks that most training needs, under these names.

        Args:
            lr: A schedule (an object with `factor`, a spec or a table of one), or a hook.
            optimizer, checkpoint, log: A hook, its spec, or its table; tables may leave `type` out.
        """
        if lr is not None:
            self.register_hook(lr if isinstance(lr, Hook) else LrHook(build_schedule(lr)), name="lr")
        given = {
            "optimizer": (optimizer, "Optimizer"),
            "checkpoint": (checkpoint, "Checkpoint"),
            "log": (log, "TextLog"),
        }
        for name, (value, default_type) in given.items():
            if value is not None:
                self.register_hook(build_hook(value, default_type=default_type), name=name)

    def build_hook(self, value: HookLike) -> Hook:
        """The hook of a spec or a table; a hook is given back."""
        return build_hook(value)

    def register_hook(self, hook: HookLike, priority: str | None = None, *, name: str | None = None) -> Hook:
        """Add a hook, which may be given as a spec or a table.

        Args:
            priority: VERY_HIGH, HIGH, ABOVE_NORMAL, NORMAL, BELOW_NORMAL, LOW or VERY_LOW; within one, hooks are called
                as they were registered. The hook's own unless given, which is NORMAL where its class says nothing.
            name: Unique; the key of its state in a checkpoint. The name of its class unless given.
        """
        built = build_hook(hook)
        self._hooks.register(built, name=name or type(built).__name__, priority=priority or built.priority)
        return built

    def call_hook(self, point: str) -> None:
        """Call all hooks that override `point`, in order."""
        for call in self._hooks.calls(point):
            call(self)
