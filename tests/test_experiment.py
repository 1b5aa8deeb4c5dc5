import pytest
import tomli

import specdet
from specdet.experiment import DEFAULT_HOOKS, Experiment, load, load_with_source, resolved
from specdet.spec import SpecError

MINIMAL = {
    "model": {"type": "RPN", "backbone": {"type": "ResNet", "depth": 18}, "neck": {"type": "FPN"}},
    "data": {"train": {"type": "Shapes", "count": 8}},
    "optimizer": {"type": "AdamW"},
}
TEXT = """
model = { type = "RPN", backbone = { type = "ResNet", depth = 18 }, neck = { type = "FPN" } }
data = { train = { type = "Shapes", count = 8 } }
optimizer = { type = "AdamW" }
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    return path


def test_a_spec_without_hooks_has_the_default_ones(path):
    assert list(load(path).hooks) == list(DEFAULT_HOOKS)


def test_a_default_hook_can_be_changed_and_removed_and_stays_so(path, tmp_path):
    experiment = load(path, ["hooks.checkpoint.keep_last=7", "~hooks.log", "hooks.ema.type=EMA"])
    assert experiment.hooks["checkpoint"].keep_last == 7
    assert set(experiment.hooks) == {*DEFAULT_HOOKS, "ema"} - {"log"}
    again = tmp_path / "again.toml"
    again.write_text(resolved(experiment))
    assert load(again) == experiment


def test_an_experiment_is_named_after_its_file(path):
    assert load(path).name == "mine"
    assert load(path, ["name=other"]).name == "other"


def test_the_text_is_kept_as_it_was_written(path):
    assert load_with_source(path, ["seed=4"]).composed.source == TEXT


def test_a_resolved_spec_says_every_default(path):
    table = tomli.loads(resolved(load(path)))
    assert table["optimizer"]["betas"] == [0.9, 0.999]
    assert table["model"]["rpn_head"]["coder"]["type"] == "DeltaXYWH"
    assert "extends" not in table


def test_python_and_toml_give_the_same_experiment(path):
    from specdet.data.spec import DataSpec

    made = Experiment(
        name="mine", model=MINIMAL["model"], data=DataSpec(**MINIMAL["data"]), optimizer=MINIMAL["optimizer"]
    )
    assert made == load(path)


def test_evaluators_need_something_to_evaluate_on(path):
    with pytest.raises(SpecError, match=r"eval: there is nothing to evaluate on: data\.val is missing"):
        load(path, ["eval.proposal.type=ProposalRecall"])


def test_a_later_version_of_the_language_is_refused(path):
    with pytest.raises(SpecError, match="spec: expected 1, got 2"):
        load(path, ["spec=2"])


def test_the_package_offers_what_it_lists():
    assert specdet.load(f"specdet:{'rpn.toml'}").model.backbone.depth == 18
    for name in specdet.__all__:
        assert getattr(specdet, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = specdet.nothing


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["hooks.checkpoint.keep_best=bbox/AP"],
            r"hooks\.checkpoint\.keep_best: nothing measures 'bbox/AP' \(metrics: none",
        ),
        (["hooks.checkpoint.keep_best=val/loss"], r"nothing measures 'val/loss'"),
        (["hooks.stop.type=EarlyStopping", "hooks.stop.metric=nope"], r"hooks\.stop\.metric: nothing measures 'nope'"),
    ],
)
def test_a_metric_that_nothing_measures_is_found_before_training(path, overrides, said):
    with pytest.raises(SpecError, match=said):
        load(path, overrides)


def test_a_metric_of_the_workflow_or_of_an_evaluator_may_be_watched(path):
    validates = ['train.workflow=[["train", 1], ["val", 1]]', "data.val.type=Shapes", "data.val.count=4"]
    assert load(path, [*validates, "hooks.checkpoint.keep_best=val/loss"]).hooks["checkpoint"].keep_best == "val/loss"
    evaluates = ["eval.proposal.type=ProposalRecall", *validates[1:]]
    assert load(path, [*evaluates, "hooks.checkpoint.keep_best=proposal/AR@100"]).eval


def test_all_default_hooks_can_be_removed(path, tmp_path):
    experiment = load(path, ["~hooks", "hooks.mine={ type = 'Optimizer' }"])
    assert list(experiment.hooks) == ["mine"]
    again = tmp_path / "again.toml"
    again.write_text(resolved(experiment))
    assert load(again).hooks == experiment.hooks
