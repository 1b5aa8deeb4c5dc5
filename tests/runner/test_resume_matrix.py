"""Whatever is trained with, going on from any step gives what an undisturbed training gives, bit for bit."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from resume_matrix_training import LAST, OPTIMIZERS, SCHEDULES, Case, differences, train

from specdet.registry import COMPONENTS, Registry
from tests.processes import finished, launched

SCRIPT = Path(__file__).with_name("resume_matrix_training.py")
IMPLEMENTATIONS = {
    name: [each for each in ("loop", "foreach", "fused") if each in str(field.type)]
    for name in OPTIMIZERS
    for field in attrs.fields(Registry("optimizer").get(name))
    if field.name == "implementation"
}


def optimizer(name: str, **options) -> dict:
    return {"type": name, **OPTIMIZERS[name], **options}


def schedule(name: str, *, warmup: str = "none") -> dict:
    return {"type": name, **SCHEDULES[name], "warmup": warmup, "warmup_iters": 6, "warmup_ratio": 0.2}


def test_every_optimizer_and_every_schedule_is_among_them():
    assert OPTIMIZERS.keys() == COMPONENTS["optimizer"].keys()
    assert SCHEDULES.keys() == COMPONENTS["schedule"].keys()


@pytest.fixture(autouse=True, scope="module")
def the_logger_as_it_was() -> Iterator[None]:
    """A training in this process makes the package's logger its own; tests of other files read it, too."""
    logger = logging.getLogger("specdet")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_before_at_and_after_the_end_of_an_epoch(tmp_path, name):
    case = Case(optimizer=optimizer(name), schedule=schedule("Cosine", warmup="linear"), ema=True, max_norm=1.0)
    straight = train(tmp_path / "straight", case)
    assert len({seen[1:] for seen in straight.steps.values()}) == LAST, "each step has another learning rate"
    for step in (3, 4, 5):
        assert differences(tmp_path, case, straight, step=step) == []


@st.composite
def cases(draw) -> Case:
    name = draw(st.sampled_from(sorted(OPTIMIZERS)))
    return Case(
        optimizer=optimizer(name, implementation=draw(st.sampled_from(IMPLEMENTATIONS[name]))),
        schedule=schedule(
            draw(st.sampled_from(sorted(SCHEDULES))),
            warmup=draw(st.sampled_from(["none", "constant", "linear", "exponential"])),
        ),
        ema=draw(st.booleans()),
        accumulate=draw(st.sampled_from([1, 2])),
        max_norm=draw(st.sampled_from([None, 0.5])),
        precision=draw(st.sampled_from(["fp32", "bf16"])),
    )


@settings(max_examples=30, derandomize=True, database=None, phases=[Phase.generate])  # shrinking takes minutes
@given(case=cases(), step=st.integers(1, LAST), then=st.sampled_from([0, 2]), now=st.sampled_from([0, 2]))
def test_any_mix_at_any_step_with_as_many_workers_or_others(tmp_path_factory, case, step, then, now):
    folder = tmp_path_factory.mktemp("mix")
    straight = train(folder / "straight", case, workers=then)
    assert differences(folder, case, straight, step=step, workers=now) == []


def test_two_processes(tmp_path):
    cases = [
        Case(optimizer=optimizer("AdamW"), schedule=schedule("Cosine"), ema=True, accumulate=2),
        Case(optimizer=optimizer("SGD"), schedule=schedule("Step", warmup="linear"), max_norm=0.5, precision="bf16"),
    ]
    told = json.dumps([attrs.asdict(case) for case in cases])
    finished(launched(str(SCRIPT), str(tmp_path), told, processes=2))
    for rank in range(2):
        found = json.loads((tmp_path / f"rank_{rank}.json").read_text())
        names = [f"{name} from step {step}" for name in ("AdamW", "SGD") for step in (3, 4)]
        assert found == {"processes": 2, "differences": {name: [] for name in names}}
