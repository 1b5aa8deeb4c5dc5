import csv
import io
import math

from app.reading.evaluations import by_class, by_step

VALUES = {
    "bbox/AP": {10: 0.1, 20: 0.3, 30: 0.3},
    "val/loss": {10: 2.0, 30: 1.0},
    "bbox/AR@100": {20: math.nan},
    "bbox/AP/cat": {10: 0.5, 20: 0.2},
    "bbox/AP/a/b": {20: math.nan},
}


def test_evaluations_are_rows_newest_first_with_gaps_where_nothing_was_measured():
    found = by_step(VALUES)
    assert found.names == ("bbox/AP", "bbox/AR@100", "val/loss")
    assert [step for step, _ in found.rows] == [30, 20, 10]
    assert found.rows[0][1] == (0.3, None, 1.0)


def test_the_best_is_the_first_of_equals_less_for_losses_and_none_where_none_is_finite():
    assert by_step(VALUES).best == {"bbox/AP": 20, "val/loss": 30}


def test_the_csv_says_all_in_full():
    rows = list(csv.reader(io.StringIO(by_step(VALUES).as_csv())))
    assert rows[0] == ["step", "bbox/AP", "bbox/AR@100", "val/loss"]
    assert rows[1] == ["30", "0.3", "", "1.0"] and rows[2] == ["20", "0.3", "nan", ""]


def test_classes_have_rows_of_their_own_whatever_they_are_called():
    found = by_class(VALUES)
    assert [(each.measure, each.name, each.best, each.best_step) for each in found[1:]] == [("bbox/AP", "cat", 0.5, 10)]
    assert found[1].last == 0.2 and found[0].name == "a/b" and math.isnan(found[0].best)


def test_a_class_that_a_resumed_run_has_yet_to_measure_again_has_no_row():
    assert [each.name for each in by_class({**VALUES, "bbox/AP/dog": {}})] == ["a/b", "cat"]
