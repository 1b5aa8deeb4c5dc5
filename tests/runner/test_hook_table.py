import pytest

from specdet.runner.hook_table import HookTable, build_hook
from specdet.runner.hooks.base import POINTS, PRIORITIES, Hook
from specdet.runner.hooks.checkpoint import CheckpointHook
from specdet.runner.spec import CheckpointHookSpec, PeriodSpec


class Notes(Hook):
    def __init__(self, name: str, notes: list[str]):
        self.name, self.notes = name, notes

    def before_run(self, runner) -> None:
        self.notes.append(self.name)


class NotesSteps(Notes):
    def after_train_iter(self, runner) -> None:
        self.notes.append(f"{self.name} step")


def test_hooks_are_called_by_priority_then_in_the_order_of_registration():
    table, notes = HookTable(), []
    for index, priority in enumerate([*reversed(PRIORITIES), "NORMAL", "NORMAL"]):
        table.register(Notes(f"{index} {priority}", notes), name=str(index), priority=priority)
    for call in table.calls("before_run"):
        call(None)
    assert notes == [
        "6 VERY_HIGH", "5 HIGH", "4 ABOVE_NORMAL", "3 NORMAL", "7 NORMAL", "8 NORMAL", "2 BELOW_NORMAL",
        "1 LOW", "0 VERY_LOW",
    ]  # fmt: skip


def test_only_overriding_hooks_are_in_the_table():
    table, notes = HookTable(), []
    plain, steps = Notes("plain", notes), NotesSteps("steps", notes)
    table.register(plain, name="plain", priority="NORMAL")
    table.register(steps, name="steps", priority="NORMAL")
    assert table.calls("before_run") == (plain.before_run, steps.before_run)
    assert table.calls("after_train_iter") == (steps.after_train_iter,)
    assert all(table.calls(point) == () for point in POINTS if point not in ("before_run", "after_train_iter"))
    assert table.order == [
        "NORMAL plain (Notes: before_run)",
        "NORMAL steps (NotesSteps: before_run, after_train_iter)",
    ]


def test_unknown_priority_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"'HIGHEST'.*VERY_HIGH, HIGH, ABOVE_NORMAL, NORMAL, BELOW_NORMAL, LOW, VERY_LOW"
    ):
        HookTable().register(Hook(), name="a", priority="HIGHEST")


def test_names_are_unique():
    table = HookTable()
    table.register(Hook(), name="a", priority="LOW")
    with pytest.raises(ValueError, match="called 'a' already"):
        table.register(Hook(), name="a", priority="HIGH")


def test_a_method_that_would_never_be_called_is_an_error():
    class Typo(Hook):
        def after_train_epoch_end(self, runner) -> None: ...

    with pytest.raises(TypeError, match=r"Typo\.after_train_epoch_end is not a hook point; .*after_train_epoch"):
        HookTable().register(Typo(), name="typo", priority="NORMAL")


def test_unknown_point_is_an_error():
    with pytest.raises(ValueError, match=r"'after_train_itr' \(did you mean 'after_train_iter'\?\)"):
        HookTable().calls("after_train_itr")


def test_hooks_are_built_from_tables_specs_and_themselves():
    spec = CheckpointHookSpec(every=PeriodSpec(iters=5))
    hook = build_hook({"type": "Checkpoint", "every": {"iters": 5}})
    assert isinstance(hook, CheckpointHook) and hook.spec == spec
    assert build_hook(spec).spec == spec
    assert build_hook(hook) is hook
    assert build_hook({"every": {"iters": 5}}, default_type="Checkpoint").spec == spec
    with pytest.raises(ValueError, match="keep_lst"):
        build_hook({"type": "Checkpoint", "keep_lst": 2})
