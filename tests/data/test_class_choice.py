import pytest

from specdet.data.class_choice import chosen_classes
from specdet.data.findings import Findings
from specdet.data.spec import CocoSpec
from specdet.spec import SpecError

PRESENT = ("car", "truck", "person", "Dog")


def spec(**fields):
    return CocoSpec(images="images", annotations="a.json", **fields)  # pyright: ignore[reportArgumentType]


def chosen(*, whole=True, present=PRESENT, **fields):
    findings = Findings("here")
    choice = chosen_classes(present, spec=spec(**fields), place="data", whole=whole, findings=findings)
    return choice, [(each.weight, each.what, each.items) for each in findings.found]


def test_all_classes_in_their_order_unless_some_are_named():
    assert chosen() == ((PRESENT, {"car": 0, "truck": 1, "person": 2, "Dog": 3}), [])
    (classes, label), found = chosen(classes=("person", "car"))
    assert classes == ("person", "car")
    assert label == {"car": 1, "truck": -1, "person": 0, "Dog": -1}
    assert found == [("note", "classes that are in the data and not in `classes`, left out", ("'truck'", "'Dog'"))]


def test_several_names_become_one_class_at_the_place_of_the_first():
    (classes, label), found = chosen(rename={"truck": "vehicle", "car": "vehicle", "Dog": "dog"})
    assert classes == ("vehicle", "person", "dog")
    assert label == {"car": 0, "truck": 0, "person": 1, "Dog": 2}
    assert not found


def test_classes_are_named_as_they_are_called_after_renaming():
    (classes, label), _ = chosen(rename={"truck": "car"}, classes=("person", "car"))
    assert (classes, label) == (("person", "car"), {"car": 1, "truck": 1, "person": 0, "Dog": -1})
    (classes, label), _ = chosen(rename={"car": "truck", "truck": "car"})  # at once, not one after the other
    assert (classes, label["car"], label["truck"]) == (("truck", "car", "person", "Dog"), 0, 1)


def test_names_that_the_data_lacks_are_problems_with_the_nearest_name():
    _, found = chosen(classes=("persn", "car"), rename={"trunk": "car"})
    assert [(weight, items) for weight, _, items in found if weight == "problem"] == [
        ("problem", ("'trunk' (did you mean 'truck'?)",)),
        ("problem", ("'persn' (did you mean 'person'?)",)),
    ]


def test_a_part_of_the_data_may_lack_some_of_the_classes_but_not_all():
    _, found = chosen(classes=("person", "cat"), whole=False)
    assert [weight for weight, what, _ in found if "lacks" in what] == ["remark"]
    _, found = chosen(classes=("persons", "cat"), whole=False)
    assert [weight for weight, what, _ in found if "lacks" in what] == ["problem"]
    _, found = chosen(classes=("persons", "cat"), whole=False, present=())
    assert [weight for weight, what, _ in found if "lacks" in what] == ["remark"]


def test_a_name_that_differs_in_case_alone_is_told():
    _, found = chosen(classes=("car", "dog"), whole=False)
    assert ("classes left out whose names are nearly those of one that is learned", ("'Dog', for 'dog'",)) in [
        (what, items) for _, what, items in found
    ]


def test_a_class_called_background_is_told():
    _, found = chosen(present=("__background__", "cat"))
    assert [(weight, items) for weight, _, items in found] == [("remark", ("'__background__'",))]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"classes": ("car", "car")}, "names 'car' 2 times"),
        (
            {"classes": ("person",), "rename": {"car": "vehicle"}},
            "calls 'car' 'vehicle', which `classes` does not name",
        ),
        ({"classes": ("car", "vehicle"), "rename": {"car": "vehicle"}}, "names 'car', which `rename` calls 'vehicle'"),
        ({"first": 3, "fraction": 0.5}, "goes without `first`"),
        ({"fraction": 0.0}, "0 < x <= 1"),
        ({"first": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_meant_is_told_before_the_data_is_opened(fields, said):
    with pytest.raises(SpecError, match=said):
        spec(**fields)
