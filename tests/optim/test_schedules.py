import itertools
import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from specdet.optim.spec import ConstantScheduleSpec, CosineScheduleSpec, PolyScheduleSpec, StepScheduleSpec
from specdet.spec import SpecError

LENGTHS = st.integers(1, 40)
WARMUPS = st.sampled_from(["constant", "linear", "exponential"])


def factors(spec, *, epochs, iters_per_epoch):
    schedule = spec.build()
    total = epochs * iters_per_epoch
    return [schedule.factor(iter=i, iters_per_epoch=iters_per_epoch, max_iters=total) for i in range(total)]


def torch_factors(make, *, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    seen = []
    for _ in range(steps):
        seen.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return seen


FALLING = [
    (CosineScheduleSpec, {}, lambda end: lambda o: lr_scheduler.CosineAnnealingLR(o, end)),
    (
        CosineScheduleSpec,
        {"min_factor": 0.1},
        lambda end: lambda o: lr_scheduler.CosineAnnealingLR(o, end, eta_min=0.1),
    ),
    (PolyScheduleSpec, {}, lambda end: lambda o: lr_scheduler.PolynomialLR(o, end)),
    (PolyScheduleSpec, {"power": 0.9}, lambda end: lambda o: lr_scheduler.PolynomialLR(o, end, power=0.9)),
]


@pytest.mark.parametrize(("kind", "options", "torch_kind"), FALLING)
def test_falling_schedules_by_step_are_those_of_torch(kind, options, torch_kind):
    ours = factors(kind(by="iter", **options), epochs=6, iters_per_epoch=7)
    assert ours == pytest.approx(torch_factors(torch_kind(42), steps=42), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("kind", "options", "torch_kind"), FALLING)
def test_falling_schedules_by_epoch_are_those_of_torch_stepped_each_epoch(kind, options, torch_kind):
    ours = factors(kind(by="epoch", **options), epochs=6, iters_per_epoch=7)
    theirs = torch_factors(torch_kind(6), steps=6)
    assert ours == pytest.approx([theirs[i // 7] for i in range(42)], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0])
def test_milestones_in_steps_are_those_of_torch(gamma):
    ours = factors(StepScheduleSpec(by="iter", milestones=(8, 11), gamma=gamma), epochs=3, iters_per_epoch=5)
    assert ours == pytest.approx(torch_factors(lambda o: lr_scheduler.MultiStepLR(o, [8, 11], gamma), steps=15))


@given(milestones=st.sets(st.integers(1, 12), min_size=1), iters_per_epoch=LENGTHS)
def test_a_milestone_in_epochs_falls_on_the_first_step_of_that_epoch(milestones, iters_per_epoch):
    milestones = tuple(sorted(milestones))
    by_epoch = StepScheduleSpec(milestones=milestones)
    by_step = StepScheduleSpec(by="iter", milestones=tuple(each * iters_per_epoch for each in milestones))
    length = {"epochs": 13, "iters_per_epoch": iters_per_epoch}
    assert factors(by_epoch, **length) == factors(by_step, **length)


def test_epochs_of_a_run_that_ends_inside_one_count_that_one():
    schedule = CosineScheduleSpec(by="epoch").build()
    last = schedule.factor(iter=24, iters_per_epoch=10, max_iters=25)
    assert last == pytest.approx((1 + math.cos(math.pi * 2 / 3)) / 2)


@given(kind=WARMUPS, ratio=st.floats(0.001, 1), length=LENGTHS, step=st.integers(0, 60))
def test_warm_up_is_the_formula_of_mmcv(kind, ratio, length, step):
    spec = ConstantScheduleSpec(warmup=kind, warmup_iters=length, warmup_ratio=ratio)
    expected = {
        "constant": ratio,
        "linear": 1 - (1 - step / length) * (1 - ratio),
        "exponential": ratio ** (1 - step / length),
    }[kind]
    got = spec.build().factor(iter=step, iters_per_epoch=10, max_iters=100)
    assert got == pytest.approx(expected if step < length else 1.0)


def test_warm_up_multiplies_what_the_schedule_gives():
    plain = StepScheduleSpec(by="iter", milestones=(3,), gamma=0.5)
    warm = StepScheduleSpec(by="iter", milestones=(3,), gamma=0.5, warmup="linear", warmup_iters=4, warmup_ratio=0.2)
    regular, warmed = (factors(spec, epochs=1, iters_per_epoch=6) for spec in (plain, warm))
    ratios = [value / whole for value, whole in zip(warmed, regular, strict=True)]
    assert ratios == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


@given(kind=st.sampled_from(["linear", "exponential"]), ratio=st.floats(0.001, 1), length=st.integers(2, 400))
def test_the_last_step_of_a_warm_up_is_as_large_as_its_first(kind, ratio, length):
    schedule = ConstantScheduleSpec(warmup=kind, warmup_iters=length, warmup_ratio=ratio).build()
    seen = [schedule.factor(iter=i, iters_per_epoch=10, max_iters=1000) for i in range(length + 2)]
    assert seen == sorted(seen)
    assert seen[0] == pytest.approx(ratio)
    assert seen[length] == seen[length + 1] == 1.0
    if kind == "linear":
        assert seen[length] - seen[length - 1] == pytest.approx(seen[1] - seen[0], rel=1e-6, abs=1e-9)
    else:
        assert seen[length] / seen[length - 1] == pytest.approx(seen[1] / seen[0], rel=1e-6)


@given(
    spec=st.one_of(
        st.builds(CosineScheduleSpec, by=st.sampled_from(["epoch", "iter"]), min_factor=st.floats(0, 1)),
        st.builds(
            PolyScheduleSpec,
            by=st.sampled_from(["epoch", "iter"]),
            min_factor=st.floats(0, 1),
            power=st.floats(0.1, 5),
        ),
    ),
    epochs=LENGTHS,
    iters_per_epoch=LENGTHS,
)
def test_falling_schedules_never_rise_and_stay_between_floor_and_one(spec, epochs, iters_per_epoch):
    seen = factors(spec, epochs=epochs, iters_per_epoch=iters_per_epoch)
    assert seen[0] == pytest.approx(1.0)
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(seen))
    assert spec.min_factor - 1e-12 <= seen[-1]


@given(total=st.integers(1, 1000), beyond=st.integers(0, 1000), floor=st.floats(0, 1))
def test_past_the_end_the_floor_holds(total, beyond, floor):
    for spec in (CosineScheduleSpec(min_factor=floor), PolyScheduleSpec(min_factor=floor)):
        got = spec.build().factor(iter=total + beyond, iters_per_epoch=3, max_iters=total)
        assert got == pytest.approx(floor, abs=1e-12)


@given(kind=WARMUPS, iters_per_epoch=LENGTHS, at=st.integers(0, 100))
def test_the_factor_is_a_pure_function_of_its_arguments(kind, iters_per_epoch, at):
    assume(at < 10 * iters_per_epoch)
    spec = CosineScheduleSpec(warmup=kind, warmup_iters=7)
    whole_run = factors(spec, epochs=10, iters_per_epoch=iters_per_epoch)
    fresh = spec.build().factor(iter=at, iters_per_epoch=iters_per_epoch, max_iters=10 * iters_per_epoch)
    assert fresh == whole_run[at]


@pytest.mark.parametrize("milestones", [(11, 8), (8, 8)])
def test_milestones_ascend(milestones):
    with pytest.raises(SpecError, match="must ascend"):
        StepScheduleSpec(milestones=milestones)


@pytest.mark.parametrize("options", [{"milestones": ()}, {"milestones": (0,)}, {"milestones": (8,), "gamma": 0.0}])
def test_step_fields_have_ranges(options):
    with pytest.raises(SpecError):
        StepScheduleSpec(**options)
