"""Names taken to pieces and put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdet.models.weights.template import Template


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("conv.{i}.{name}", "conv.12.bias", {"i": 12, "name": "bias"}),
        ("conv.{i}.{name}", "conv.1.2.bias", None),  # a word holds no dot
        ("conv.{rest}", "conv.1.2.bias", {"rest": "1.2.bias"}),
        ("fc{i+6}.{name}", "fc7.weight", {"i": 1, "name": "weight"}),
        ("fc{i+6}.{name}", "fc5.weight", None),
        ("conv.{3i+1}", "conv.7", {"i": 2}),
        ("conv.{3i+1}", "conv.6", None),
        ("a.{i}", "aa1", None),  # the dot is a dot
        ("{s}.{i}", "0.1", {"s": 0, "i": 1}),
    ],
)
def test_values_of_names(text, name, values):
    assert Template(text).match(name) == values


@given(factor=st.integers(1, 5), shift=st.integers(0, 9), number=st.integers(0, 99), name=st.from_regex(r"\A[a-z_]+\Z"))
def test_what_is_put_together_comes_apart_again(factor, shift, number, name):
    template = Template(f"x{{{factor}i+{shift}}}.{{name}}")
    values = {"i": number, "name": name}
    assert template.fill(values) == f"x{factor * number + shift}.{name}"
    assert template.match(template.fill(values)) == values
