from hypothesis import given
from hypothesis import strategies as st

from app.launching.picking import picked_after, rows_of, still_there

ids = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(ids, ids)
def test_what_is_picked_stays_picked_wherever_its_row_goes(shown, picked):
    rows = rows_of(shown, picked)
    assert {shown[row] for row in rows} == {*shown} & {*picked}
    assert {*picked_after(picked, shown=shown, rows=rows)} == {*picked}


@given(ids, ids, ids)
def test_a_page_changes_nothing_on_other_pages(shown, picked, chosen):
    rows = rows_of(shown, chosen)
    after = picked_after(picked, shown=shown, rows=rows)
    assert {*after} == ({*picked} - {*shown}) | ({*shown} & {*chosen})
    assert len(after) == len({*after})


def test_rows_that_are_not_shown_any_more_pick_nothing():
    assert picked_after([], shown=["a", "b"], rows=[1, 7, -1]) == ("b",)


def test_what_is_not_listed_is_unpicked():
    assert still_there(["a", "b", "c"], {"c", "a"}) == ("a", "c")
