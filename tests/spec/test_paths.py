import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from specdet.spec.paths import dotted, undotted

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=5).map(tuple))
def test_a_path_survives_its_spelling(path):
    assert undotted(dotted(path)) == path


@given(st.lists(TEXTS, min_size=1, max_size=3).map(tuple))
def test_the_spelling_is_that_of_toml(path):
    value = tomli.loads(f"{dotted(path)} = 1")
    for key in path:
        value = value[key]
    assert value == 1


def test_bare_keys_stay_bare():
    assert dotted(("data", "train", "0", "a-b_c")) == "data.train.0.a-b_c"
    assert dotted(("areas", "a.b", "")) == 'areas."a.b".""'


@pytest.mark.parametrize("text", ["", ".", "a.", "a b", "a = 1 #", "a\nb", "[a]", "a.[b]", "é", "a=1"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match="expected keys joined by dots"):
        undotted(text)
