from typing import get_args

import attrs
import pytest

from specdet.registry import COMPONENTS, Registry, UnknownTag
from specdet.spec import Spec

EVERY_TAG = [(family, tag) for family, tags in COMPONENTS.items() for tag in tags]


@pytest.mark.parametrize(("family", "tag"), EVERY_TAG)
def test_every_tag_leads_to_a_documented_spec_class_and_back(family, tag):
    found = Registry(family).get(tag)
    assert issubclass(found, Spec)
    assert found.builds, "a component names what it builds"
    assert found.__doc__
    assert Registry(family).tag_of(found) == tag


@pytest.mark.parametrize(("family", "tag"), EVERY_TAG)
def test_every_default_can_be_said_in_a_file(family, tag):
    """TOML has no null: a field that may be None and is not by default could never be set back to None."""
    for attribute in attrs.fields(Registry(family).get(tag)):
        if type(None) in get_args(attribute.type):
            assert attribute.default is None, attribute.name


def test_an_unknown_tag_names_the_nearest():
    with pytest.raises(UnknownTag, match=r"no optimizer is called 'adamw' \(did you mean 'AdamW'\?\)"):
        Registry("optimizer").get("adamw")


def test_an_unknown_family_names_the_nearest():
    with pytest.raises(UnknownTag, match=r"no family 'loses' \(did you mean 'loss'\?\)"):
        Registry("loses")


def test_a_far_off_tag_lists_what_there_is():
    with pytest.raises(UnknownTag, match=r"known: FPN"):
        Registry("neck").get("Transformer")


def test_a_class_from_python_has_no_tag():
    assert Registry("neck").tag_of(Spec) is None
