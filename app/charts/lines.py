"""How lines of a chart look: a colour and a dash pattern each, so that neither is needed to tell them apart."""

# Hues of Okabe and Ito (2008), which people with each kind of colour blindness tell apart, of a lightness that stands
# out on white and on the app's dark ground.
COLORS = ("#2f81c1", "#d5601d", "#128f67", "#c0589c", "#b07b00", "#7a6fd0", "#8a6a4a", "#7d8590")
DASHES = ([1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [12, 3], [4, 1, 1, 1, 1, 1], [1, 3])


def color(number: int) -> str:
    """The colour of the line with a number from 0."""
    return COLORS[number % len(COLORS)]


def dash(number: int) -> list[int]:
    """The dash pattern of the line with a number from 0; lines of one colour have different ones."""
    return DASHES[number % len(DASHES)]
