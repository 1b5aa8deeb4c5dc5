from hypothesis import given
from hypothesis import strategies as st

from app.charts.groups import LONGEST_NAME, MOST_LINES, Group, distinct, grouped, labels_of, natural, shortened


def groups(*names):
    return {group.title: group.names for group in grouped(names)}


def test_charts_come_in_an_order_that_does_not_depend_on_the_names():
    found = groups(
        "host_memory", "bbox/AP", "lr", "loss/rpn_cls", "val/loss", "time", "loss", "data_time", "bbox/AP_small"
    )
    assert list(found.items()) == [
        ("Losses", ("loss", "loss/rpn_cls")), ("Validation losses", ("val/loss",)), ("bbox", ("bbox/AP",)),
        ("bbox by size", ("bbox/AP_small",)), ("Learning rate", ("lr",)), ("Seconds a step", ("data_time", "time")),
        ("Memory, MiB", ("host_memory",)),
    ]  # fmt: skip


def test_classes_have_no_charts():
    assert groups("bbox/AP", "bbox/AP/cat", "bbox/AP/a/b") == {"bbox": ("bbox/AP",)}
    assert groups("val/loss/rpn_cls") == {"Validation losses": ("val/loss/rpn_cls",)}


def test_a_chart_has_as_many_lines_as_can_be_told_apart():
    (group,) = grouped(f"loss/{number}" for number in range(MOST_LINES + 2))
    assert len(group.names) == MOST_LINES and len(group.left_out) == 2


@given(st.lists(st.text(max_size=30), max_size=30, unique=True))
def test_every_metric_is_in_one_chart_or_of_one_class(names):
    placed = [name for group in grouped(names) for name in (*group.names, *group.left_out)]
    assert len(placed) == len(set(placed)) and set(placed) <= set(names)
    assert all(name.count("/") >= 2 for name in set(names) - set(placed))


def test_numbers_in_names_are_numbers():
    assert sorted(["AR@1000", "AR@300", "AR"], key=natural) == ["AR", "AR@300", "AR@1000"]


def test_a_name_in_its_chart_leaves_out_what_the_title_says():
    assert labels_of(Group(title="bbox by size", names=("bbox/AP_small",))) == ["AP_small"]
    assert labels_of(Group(title="Losses", names=("loss/rpn_cls",))) == ["loss/rpn_cls"]


@given(st.text(max_size=300))
def test_names_in_legends_are_short(name):
    assert len(shortened(name)) <= LONGEST_NAME


@given(st.lists(st.sampled_from(["step", "a", "a (2)", "b"]), max_size=8))
def test_no_two_columns_are_called_the_same(names):
    found = distinct(names, besides=["step"])
    assert len({*found, "step"}) == len(names) + 1
    assert all(label == name or label.startswith(f"{name} (") for name, label in zip(names, found, strict=True))
