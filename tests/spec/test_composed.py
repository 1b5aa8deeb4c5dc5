import pytest

from specdet.spec import Spec, SpecError, component, field, spec
from specdet.spec.compose import compose
from specdet.spec.structure import structure


@spec
class RootSpec(Spec):
    optimizer: Spec = component("optimizer", help="An optimizer.")
    sizes: tuple[int, ...] = field((), help="Numbers.")


@pytest.fixture
def told(tmp_path):
    """Compose and structure files (the last is the spec); gives each problem as text, without the folder."""

    def teller(files: dict[str, str], *overrides: str) -> list[str]:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        composed = compose(tmp_path / name, overrides)
        assert not composed.problems
        with pytest.raises(SpecError) as caught:
            structure(composed.tree, RootSpec, origins=composed.origins)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in composed.located(caught.value.problems)]

    return teller


BASE = '[optimizer]\ntype = "SGD"\nlr = 0.02\nmomentum = 0.9\n'


def test_problems_come_in_the_order_of_files_lines_and_arguments(told):
    base = '[optimizer]\ntype = "SGD"\nlr = "x"\nmomentum = 2.0'
    child = 'extends = ["base.toml"]\nsizes = [1, 2.5]'
    found = told({"base.toml": base, "spec.toml": child}, "optimizer.nesterof=true")
    assert [text.partition(" ")[0] for text in found] == [
        "base.toml:3:6:",
        "base.toml:4:12:",
        "spec.toml:2:13:",
        "command",
    ]


def test_an_inherited_value_is_told_in_the_file_that_wrote_it(told):
    (text,) = told({"base.toml": BASE.replace("0.9", "9"), "spec.toml": 'extends = ["base.toml"]\noptimizer.lr = 0.1'})
    assert text == "base.toml:4:12: optimizer.momentum: must be 0 <= x < 1, got 9"


def test_an_unknown_key_is_told_at_the_key_and_a_missing_one_at_its_table(told):
    found = told({"spec.toml": '[optimizer]\n  type = "SGD"\n  momentun = 0.9'})
    assert found == [
        "spec.toml:1:2: optimizer.lr: is missing: Learning rate after warm-up, before any decay.",
        "spec.toml:3:3: optimizer.momentun: SGD has no such key (did you mean 'momentum'?)",
    ]


def test_a_missing_key_says_which_change_of_type_dropped_it(told):
    files = {"base.toml": BASE, "spec.toml": 'extends = ["base.toml"]\n[optimizer]\ntype = "AdamW"\n'}
    (text,) = told(files, "optimizer.type=SGD")
    assert text.splitlines() == [
        "command line: optimizer.type=SGD: optimizer.lr: is missing: Learning rate after warm-up, before any decay.",
        "    base.toml:3:1: optimizer.lr: was given here",
        '    spec.toml:3:8: optimizer.type: dropped the block, since type was "SGD" and is "AdamW" here',
    ]


def test_a_missing_key_says_who_removed_it(told):
    (text,) = told({"base.toml": BASE, "spec.toml": 'extends = ["base.toml"]\nunset = ["optimizer.lr"]\n'})
    assert text.splitlines()[1:] == [
        "    base.toml:3:1: optimizer.lr: was given here",
        "    spec.toml:2:10: unset.0: removed it",
    ]
    (text,) = told({"base.toml": BASE, "spec.toml": 'extends = ["base.toml"]\n'}, "~optimizer.lr")
    assert text.splitlines()[2:] == ["    command line: ~optimizer.lr: optimizer.lr: removed it"]


def test_each_value_can_be_asked_for_its_place(tmp_path):
    (tmp_path / "spec.toml").write_text(BASE + "betas = [1, 2]")
    composed = compose(tmp_path / "spec.toml", ["optimizer.lr=1"])
    assert composed.written_at(("optimizer", "momentum")) == f"{tmp_path}/spec.toml:4:12"
    assert composed.written_at(("optimizer", "lr")) == "command line: optimizer.lr=1"
    assert composed.written_at(("optimizer", "nesterov")) == ""
