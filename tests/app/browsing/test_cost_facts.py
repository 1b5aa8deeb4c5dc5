import pytest

from app.browsing.cost_facts import UNKNOWN, facts_of, reasons, short
from specdet.cost import cost
from specdet.experiment import load
from specdet.verbs.cost import document_of


@pytest.mark.parametrize(
    ("count", "text"), [(7, "7"), (2_976_431, "2.98 M"), (12_000, "12 k"), (27_446_351, "27.4 M"), (7 * 10**9, "7 G")]
)
def test_counts_have_three_digits(count, text):
    assert short(count) == text


def test_a_known_cost_has_no_reasons():
    facts = {fact.label: fact for fact in facts_of(document_of(cost(load("specdet:rpn.toml"))))}
    assert facts["Training images"].value == "1,100"
    assert facts["Training images"].more == "200 to evaluate on"
    assert facts["Steps"].value == "2,200"
    assert facts["Steps"].more == "275 an epoch, 8 epochs"
    assert facts["Largest batch"].value == "4 images"
    assert reasons([*facts.values()]) == []


def test_what_is_unknown_says_why_once(tmp_path):
    found = cost(load("specdet:coco/rpn_r50_fpn_1x.toml", [f"data.root={tmp_path}/nowhere"]))
    facts = {fact.label: fact for fact in facts_of(document_of(found))}
    assert (facts["Training images"].value, facts["Steps"].value) == (UNKNOWN, UNKNOWN)
    assert facts["Parameters"].value != UNKNOWN
    first, second = reasons([*facts.values()])
    assert "nowhere does not exist" in first
    assert "how many training images" in second
    assert reasons([*facts.values()], besides=(first,)) == [second]
