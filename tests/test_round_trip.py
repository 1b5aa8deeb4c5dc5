"""Any spec object, written as TOML and read again, is the same object."""

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specdet.data.spec import DataSpec
from specdet.registry import COMPONENTS, Registry
from specdet.runner.spec import TrainSpec
from specdet.spec.dump import dumps, to_table
from specdet.spec.structure import structure
from tests.spec.strategies import specs

TAGGED = [(family, tag) for family, tags in COMPONENTS.items() for tag in tags]
CLASSES = [DataSpec, TrainSpec, *(Registry(family).get(tag) for family, tag in TAGGED)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_what_is_written_reads_back_as_the_same_spec(kind, data):
    spec = data.draw(specs(kind))
    text = dumps(to_table(spec))
    again = structure(tomli.loads(text), kind)
    assert again == spec
    assert dumps(to_table(again)) == text
