import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.editing.typed import read_typed, same_when_typed, shown
from specdet.spec.manual.description import Kind, ValueType

INT = ValueType(kind=Kind.INT, words="a whole number")
FLOAT = ValueType(kind=Kind.FLOAT, words="a number")
TEXT = ValueType(kind=Kind.TEXT, words="text")
SECRET = ValueType(kind=Kind.SECRET, words="a secret")
CHOICE = ValueType(kind=Kind.CHOICE, words="one of", choices=("max", "min"))
ONLY_AUTO = ValueType(kind=Kind.CHOICE, words="auto", choices=("auto",))
AUTO = ValueType(kind=Kind.UNION, words="a number or auto", parts=(INT, ONLY_AUTO))
NUMBERS = ValueType(kind=Kind.ARRAY, words="an array", item=FLOAT)
TEXTS = ValueType(kind=Kind.ARRAY, words="an array", item=TEXT)
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs"])


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3e-4", FLOAT, 3e-4),
        ("3", FLOAT, 3),
        ("1_000", INT, 1000),
        ("auto", AUTO, "auto"),
        ("8", AUTO, 8),
        ("8, 11", NUMBERS, [8, 11]),
        ("[8, 11]", NUMBERS, [8, 11]),
        ("2.0", NUMBERS, [2.0]),
        ("cat, dog", TEXTS, ["cat", "dog"]),
        ("cat", TEXTS, ["cat"]),
        ("data/train", TEXT, "data/train"),
        ("123", TEXT, "123"),
        ("true", TEXT, "true"),
        ('""', TEXT, ""),
        ("TOKEN", SECRET, {"env": "TOKEN"}),
        ("max", CHOICE, "max"),
        ("", FLOAT, None),
        ("   ", TEXT, None),
    ],
)
def test_what_is_typed_is_read_as_on_the_command_line(text, kind, value):
    found = read_typed(text, kind)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(("text", "kind"), [("fast", FLOAT), ("fast", INT), ("[8, 1", NUMBERS), ("{ a", AUTO)])
def test_what_is_no_such_value_stays_as_it_is_for_the_check_to_tell(text, kind):
    assert read_typed(text, kind) == text


def test_a_reference_is_one_only_where_it_may_be():
    text = '{ ref = "data.train.classes" }'
    assert read_typed(text, TEXT, reference=True) == {"ref": "data.train.classes"}
    assert read_typed(text, TEXT) == text


@given(st.text(CHARACTERS, min_size=0, max_size=12))
def test_every_text_is_shown_as_what_gives_it_again(text):
    assert read_typed(shown(text, TEXT), TEXT) == text


@given(st.lists(st.text(CHARACTERS, max_size=5), max_size=4))
def test_every_array_of_texts_is_shown_as_what_gives_it_again(texts):
    assert read_typed(shown(texts, TEXTS), TEXTS) == texts


@given(st.floats(allow_nan=False) | st.integers(-(2**63), 2**63 - 1))
def test_every_number_is_shown_as_what_gives_it_again(number):
    found = read_typed(shown(number, FLOAT), FLOAT)
    assert (type(found), found) == (type(number), number)


def test_another_spelling_is_no_other_value_but_another_type_is():
    assert same_when_typed("1e-3", 0.001, FLOAT)
    assert not same_when_typed("1", 1.0, FLOAT)
    assert not same_when_typed("0.002", 0.001, FLOAT)
