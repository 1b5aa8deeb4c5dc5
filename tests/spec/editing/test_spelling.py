import pytest

from specdet.spec.editing.edit import SpecFile

TEXT = "lr = 0.1    # a comment\ntables = { a = 1 }\n"


@pytest.mark.parametrize(
    ("path", "value", "spelling", "text"),
    [
        (("lr",), 0.001, "1e-3", TEXT.replace("0.1 ", "1e-3")),
        (("lr",), 0.001, "2e-3", TEXT.replace("0.1    #", "0.001  #")),
        (("lr",), 0.001, "1e-3\nother = 1", TEXT.replace("0.1    #", "0.001  #")),
        (("tables", "b"), 1000, "1_000", TEXT.replace("{ a = 1 }", "{ a = 1, b = 1_000 }")),
        (("tables", "b"), 1000, "1000 # no", TEXT.replace("{ a = 1 }", "{ a = 1, b = 1000 }")),
    ],
)
def test_a_spelling_is_taken_where_it_says_the_value_and_nothing_else(path, value, spelling, text):
    assert SpecFile.new("x.toml", TEXT).set(path, value, spelling=spelling).text == text
