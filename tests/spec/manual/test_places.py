import pytest

from specdet.experiment import Experiment
from specdet.registry import COMPONENTS
from specdet.spec import Spec, SpecError, component, field, spec
from specdet.spec.manual.description import Kind, walk_specs
from specdet.spec.manual.places import find
from specdet.spec.paths import undotted

EVERY = [pytest.param(path, description, id=description.name) for path, description in walk_specs(Experiment)]


@spec
class Forked(Spec):
    """A table whose value is of two kinds, both of which hold something."""

    value: tuple[int, ...] | dict[str, float] = field((), help="Either.")
    parts: dict[str, Spec] = component("neck", default={}, help="Parts.")


def owners(path, **options):
    return [(each.owner.name, each.field.name) for each in find(Experiment, undotted(path), **options)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("seed", [("Experiment", "seed")]),
        ("extends.0", [("Experiment", "extends")]),
        ("optimizer.momentum", [("SGD", "momentum"), ("RMSprop", "momentum")]),
        ("optimizer.type", [("Experiment", "type")]),
        ("optimizer.rules.heads.lr_factor", [("ParameterRule", "lr_factor")]),
        ("model.backbone.depth", [("ResNet", "depth"), ("VGG", "depth"), ("ResNeXt", "depth")]),
        ("model.neck.norm", [("FPN", "norm"), ("SSDExtra", "norm")]),
        ("model.neck.1.norm", [("FPN", "norm"), ("SSDExtra", "norm")]),
        ("data.train.annotations", [("Coco", "annotations")]),
        ("data.train.second.annotations", [("Coco", "annotations")]),
        ("data.train_transforms.mine.short_side", [("Resize", "short_side")]),
        ("data.train_transforms.order", [("Data", "order")]),
        ("eval.any.areas.small.1", [("ProposalRecall", "areas"), ("CocoBox", "areas"), ("CocoMask", "areas")]),
        ("train.workflow.0.0", [("Train", "workflow")]),
        ("hooks.checkpoint.every.iters", [("Period", "iters")]),
        ("hooks.mine.every", [("Checkpoint", "every"), ("Evaluation", "every")]),
    ],
)
def test_a_path_leads_to_every_field_that_it_can_mean(path, expected):
    assert owners(path) == expected


@pytest.mark.parametrize(("path", "description"), EVERY)
def test_every_field_there_is_can_be_found(path, description):
    for described in description.fields:
        found = find(Experiment, (*path, described.name))
        assert described in [each.field for each in found], described.name


def test_a_hook_that_every_run_has_is_known_by_its_key():
    assert owners("hooks.checkpoint.every") == [("Checkpoint", "every")]
    (found,) = find(Experiment, ("hooks", "checkpoint"))
    assert found.tags == ("Checkpoint",)


def test_an_item_of_an_array_has_the_type_of_the_items():
    (found,) = find(Experiment, undotted("train.workflow.0.1"))
    assert found.value.kind is Kind.INT
    assert found.field.name == "workflow"


def test_both_arms_of_a_union_are_looked_into():
    assert [each.value.kind for each in find(Forked, ("value", "0"))] == [Kind.INT, Kind.FLOAT]
    assert [each.value.kind for each in find(Forked, ("value", "key"))] == [Kind.FLOAT]


@pytest.mark.parametrize(
    ("tree", "path", "expected"),
    [
        ({"optimizer": {"type": "RMSprop"}}, "optimizer.momentum", [("RMSprop", "momentum")]),
        ({}, "schedule.warmup", [("Constant", "warmup")]),
        ({"schedule": {"type": "Poly"}}, "schedule.warmup", [("Poly", "warmup")]),
        ({"hooks": {"log": {"type": "TensorBoard"}}}, "hooks.log.folder", [("TensorBoard", "folder")]),
        ({"data": {"train": {"type": "Voc"}}}, "data.train.classes", [("Voc", "classes")]),
        ({"data": {"train": {"images": {"type": "Voc"}}}}, "data.train.images.classes", [("Voc", "classes")]),
        ({"model": {"neck": [{"type": "FPN"}]}}, "model.neck.0.norm", [("FPN", "norm")]),
        ({"optimizer": {"type": "Misspelt"}}, "optimizer.momentum", [("SGD", "momentum"), ("RMSprop", "momentum")]),
        ({"optimizer": "not a table"}, "optimizer.momentum", [("SGD", "momentum"), ("RMSprop", "momentum")]),
    ],
)
def test_a_tree_says_which_component_is_meant(tree, path, expected):
    assert owners(path, tree=tree) == expected


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("hoks", "hooks"),
        ("train.max_epoch", "max_epochs"),
        ("optimizer.momentun", "momentum"),
        ("hooks.checkpoint.keep_bst", "keep_best"),
        ("model.backbone.tpye", "type"),
    ],
)
def test_a_path_that_leads_nowhere_gets_the_nearest_name(path, hint):
    with pytest.raises(SpecError, match=f"^{path}: no spec has such a key \\(did you mean '{hint}'\\?\\)$"):
        find(Experiment, undotted(path))


@pytest.mark.parametrize("path", ["seed.x", "train.workflow.0.2", "train.workflow.first", "unset.0.0"])
def test_nothing_lies_inside_a_plain_value(path):
    with pytest.raises(SpecError, match="no spec has such a key"):
        find(Experiment, undotted(path))


def test_what_the_tree_rules_out_is_not_found():
    with pytest.raises(SpecError, match=r"optimizer\.betas: no spec has such a key"):
        find(Experiment, ("optimizer", "betas"), tree={"optimizer": {"type": "SGD"}})


def test_components_from_elsewhere_are_found_too():
    components = {**COMPONENTS, "neck": {"mine:Neck": Forked}}
    (found,) = find(Experiment, ("model", "neck", "parts"), components=components)
    assert found.owner.name == "mine:Neck"
