import json

from specdet.cli import main
from specdet.registry import COMPONENTS
from specdet.spec import Spec, spec
from specdet.verbs.list import summaries


@spec
class MineSpec(Spec):
    """A neck of my own.

    With more to say.
    """


def test_every_component_is_named_with_what_it_is(capsys):
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {family: list(tags) for family, tags in found.items()} == {
        family: list(tags) for family, tags in COMPONENTS.items()
    }
    assert found["optimizer"]["SGD"] == "Stochastic gradient descent with momentum."


def test_one_family_as_text(capsys):
    assert main(["list", "neck"]) == 0
    title, first, second = capsys.readouterr().out.splitlines()
    assert (title, first) == ("neck", "  FPN       Feature pyramid (Lin et al. 2017, arXiv:1612.03144).")
    assert second.startswith("  SSDExtra  The extra levels of SSD ")


def test_families_stand_apart(capsys):
    assert main(["list"]) == 0
    blocks = capsys.readouterr().out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == list(COMPONENTS)


def test_components_from_elsewhere_are_listed_too():
    assert summaries("neck", components={"neck": {"mine:Neck": MineSpec}}) == {
        "neck": {"mine:Neck": "A neck of my own."}
    }


def test_an_unknown_family_is_wrong_usage(capsys):
    assert main(["list", "nek"]) == 2
    assert capsys.readouterr().err == "no family 'nek' (did you mean 'neck'?)\n"
