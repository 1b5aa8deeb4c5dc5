"""Lines can be told apart by everybody, on white and on the dark ground."""

from itertools import combinations

import pytest

from app.charts.groups import MOST_LINES
from app.charts.lines import COLORS, DASHES, color, dash


def channels(hex_color):
    return [int(hex_color[place : place + 2], 16) / 255 for place in (1, 3, 5)]


def luminance(hex_color):
    """Relative luminance of WCAG 2."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels(hex_color)]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ground", ["#ffffff", "#171513"])
@pytest.mark.parametrize("each", COLORS)
def test_lines_stand_out_as_graphics_must(each, ground):
    light, dark = sorted((luminance(each), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3.0  # WCAG 2.2, 1.4.11


def test_no_two_lines_of_a_chart_look_the_same():
    looks = [(color(number), tuple(dash(number))) for number in range(MOST_LINES)]
    assert len(set(looks)) == MOST_LINES


def test_neighbours_differ_in_dashes_where_colours_are_not_seen():
    for one, other in combinations(range(len(DASHES)), 2):
        assert dash(one) != dash(other)
