import json

import pytest

from app.charts.figure import LINES, MARKS, TOLD, ZOOM, Figure, vega_lite


def layers(figure):
    return vega_lite(figure)["layer"]


@pytest.mark.parametrize("figure", [Figure(names=("a",)), Figure(names=("a", "b"), axis="time", log=True, smooth=True)])
def test_the_spec_holds_no_numbers_and_is_the_same_each_time(figure):
    spec = vega_lite(figure)
    assert json.dumps(spec) == json.dumps(vega_lite(figure))
    assert {spec["data"]["name"], *(layer["data"]["name"] for layer in spec["layer"] if "data" in layer)} == {
        LINES, MARKS, TOLD,
    }  # fmt: skip
    assert not {"values", "datasets"} & {*spec, *spec["data"]}


def test_the_zoom_is_bound_to_the_scales_once_and_leaves_scrolling_alone():
    params = [param for layer in layers(Figure(names=("a", "b"), smooth=True)) for param in layer.get("params", ())]
    (zoom,) = [param for param in params if param["name"] == ZOOM]
    assert zoom["bind"] == "scales" and "ctrlKey" in zoom["select"]["zoom"]
    assert len(params) == 1


def test_what_was_measured_is_behind_its_average():
    assert [layer["encoding"]["y"]["field"] for layer in layers(Figure(names=("a",), smooth=True))[:2]] == ["raw", "y"]
    assert layers(Figure(names=("a",)))[0]["encoding"]["y"]["field"] == "y"


def test_colours_and_dashes_go_by_the_order_of_names():
    encoding = vega_lite(Figure(names=("b", "a")))["encoding"]
    assert encoding["color"]["scale"]["domain"] == encoding["strokeDash"]["scale"]["domain"] == ["b", "a"]
    assert len(set(encoding["color"]["scale"]["range"])) == 2


def test_dashes_are_left_out_where_a_browser_would_take_long_over_them():
    assert "strokeDash" not in vega_lite(Figure(names=("a", "b"), dashes=False))["encoding"]
    assert "strokeDash" not in vega_lite(Figure(names=("a",)))["encoding"]
