import pytest

from app.launching.places import places
from specdet.experiment import load
from specdet.spec import SpecError

RPN = "specdet:rpn.toml"


def test_every_place_can_be_changed_to_what_stands_there():
    experiment = load(RPN)
    for path, value in places(experiment).items():
        if value and "…" not in value and path != "type":
            assert load(RPN, [f"{path}={value}"]) == experiment, path


def test_every_place_without_a_value_is_one_that_a_spec_may_give():
    for path, value in places(load(RPN)).items():
        if not value:
            with pytest.raises(SpecError) as found:
                load(RPN, [f"{path}={{}}"])
            assert "no such key" not in str(found.value), path


def test_what_is_said_of_code_is_not_offered():
    assert not [path for path in places(load(RPN)) if path.split(".")[0] in ("plugins", "spec")]
