from hypothesis import given
from hypothesis import strategies as st

from app.reading.side_by_side import default_metrics, delta, labels, metric_rows
from specdet.runs.status import RunStatus


def run(name="x", id="20260101-120000-x-0001", **fields):
    return RunStatus(id=id, name=name, state="finished", **fields)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c" * 60, "a 0001"]), st.sampled_from(["0001", "0002"])), max_size=8)
)
def test_no_two_runs_are_called_the_same(runs):
    found = labels([run(name, f"20260101-120000-x-{end}") for name, end in runs])
    assert len(set(found)) == len(runs) and all(len(label) < 45 for label in found)


def test_runs_of_different_names_are_called_by_them():
    assert labels([run("a"), run("b")]) == ["a", "b"]


def test_the_winner_has_the_best_and_nobody_has_it_where_it_is_shared():
    def rows(*best):
        (row,) = metric_rows([run(best={"bbox/AP": value} if value is not None else {}) for value in best])
        return row.winner

    assert rows(0.1, 0.3, None) == 1 and rows(0.3, 0.3) is None and rows(0.3) is None
    assert rows(0.3, 0.3 + 1e-17) is None
    (row,) = metric_rows([run(best={"val/loss": 1.0}), run(best={"val/loss": 0.5})])
    assert row.winner == 1


def test_differences_are_to_the_first_run():
    assert delta(0.5, None) == "0.5" and delta(0.5, 0.25) == "0.5 (+0.25)" and delta(0.25, 0.5) == "0.25 (-0.25)"
    assert delta(None, 0.5) == "" and delta(0.1 + 0.2, 0.3) == "0.3 (+0)"


def test_what_says_most_comes_first():
    assert default_metrics(["lr", "loss", "bbox/AP50", "bbox/AP"]) == ["bbox/AP", "loss", "lr"]
    assert default_metrics(["q", "w"]) == ["q", "w"]
