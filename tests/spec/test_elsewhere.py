import pytest

from specdet.experiment import Experiment
from specdet.registry import Registry
from specdet.spec.elsewhere import known_at, taken_by


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("backbone", " (did you mean 'model.backbone'?)"),
        ("milestones", " (did you mean 'schedule.milestones'?)"),
        ("keep_best", " (did you mean 'hooks.NAME.keep_best'?)"),
        ("limits", " (did you mean 'eval.NAME.limits'?)"),
        ("seed", " (did you mean 'seed', above all tables?)"),
        ("weight_decay", " (did you mean 'optimizer.weight_decay'?)"),
        ("num_classes", " (did you mean 'model.num_classes'?)"),
        ("num_queries", ""),
    ],
)
def test_a_key_is_known_at_one_place_of_a_spec(key, said):
    assert known_at(key, Experiment, Registry) == said


@pytest.mark.parametrize(
    ("key", "said"), [("milestones", " (Step has it)"), ("min_factor", " (Cosine and Poly have it)"), ("lr", "")]
)
def test_a_key_of_the_other_types(key, said):
    assert taken_by(key, Registry("schedule")) == said


def test_a_key_that_all_types_have_names_none():
    assert taken_by("warmup", Registry("schedule")) == ""
