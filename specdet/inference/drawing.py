"""Pictures with boxes, masks and names on them, readable at any size."""

import colorsys
from collections.abc import Sequence

import attrs
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SMALLEST = 512  # px; a picture whose long side is shorter is drawn enlarged, by whole pixels
LARGEST_FACTOR = 16
LINES = 300, 40  # a line is so many times thinner than the long side, and than the short one
TEXTS = 55, 8  # and text so many times smaller
LEAST_TEXT, MOST_TEXT = 11, 60  # px
MASK_OPACITY = 0.45
CROWD = (255, 255, 255)
GOLDEN = 0.618034  # turns of hue from one class to the next: neighbours differ most

Colour = tuple[int, int, int]
Corners = tuple[float, float, float, float]


@attrs.frozen(kw_only=True, eq=False)
class Drawn:
    """One thing to draw.

    Attributes:
        box: xyxy, px of the picture.
        text: What stands at it; nothing where it is empty.
        label: Its class, which gives the colour.
        mask: (height, width) bool; None where there is none.
        crowd: Whether it is a region where nothing is right or wrong: white and dashed.
    """

    box: Corners
    text: str = ""
    label: int = 0
    mask: np.ndarray | None = None
    crowd: bool = False


def draw(pixels: np.ndarray, things: Sequence[Drawn]) -> Image.Image:
    """A picture with things drawn on it; those that come first lie on top.

    Args:
        pixels: (height, width, 3) uint8 RGB.
        things: In pixels of the picture, which is enlarged where it is small.
    """
    height, width = pixels.shape[:2]
    factor = max(1, min(LARGEST_FACTOR, -(-SMALLEST // max(height, width))))
    shaded = _with_masks(pixels, things)
    picture = Image.fromarray(shaded).resize((width * factor, height * factor), Image.Resampling.NEAREST)
    canvas = ImageDraw.Draw(picture)
    line = max(1, round(_part(picture, LINES)))
    font = ImageFont.load_default(size=max(LEAST_TEXT, min(MOST_TEXT, _part(picture, TEXTS))))
    for thing in reversed(things):
        _draw_box(canvas, _scaled(thing.box, factor), colour=_colour_of(thing), line=line, dashed=thing.crowd)
    taken: list[Corners] = []
    for thing in things:  # the first choose their places first
        if thing.text:
            _draw_text(canvas, thing, _scaled(thing.box, factor), font=font, line=line, taken=taken, size=picture.size)
    return picture


def _part(picture: Image.Image, parts: tuple[int, int]) -> float:
    return min(max(picture.size) / parts[0], min(picture.size) / parts[1])


def class_colour(label: int) -> Colour:
    """The colour of a class, the same everywhere."""
    hue = (0.02 + label * GOLDEN) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if label % 2 == 0 else 0.65, 1.0 if label % 3 else 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


def _colour_of(thing: Drawn) -> Colour:
    return CROWD if thing.crowd else class_colour(thing.label)


def _with_masks(pixels: np.ndarray, things: Sequence[Drawn]) -> np.ndarray:
    masked = [thing for thing in things if thing.mask is not None]
    if not masked:
        return pixels
    shaded = pixels.astype(np.float32)
    for thing in reversed(masked):
        assert thing.mask is not None
        shaded[thing.mask] += MASK_OPACITY * (np.array(_colour_of(thing), np.float32) - shaded[thing.mask])
    return shaded.round().astype(np.uint8)


def _scaled(box: Corners, factor: int) -> Corners:
    """Drawn edges lie on pixels, which the end of a half-open box does not."""
    left, top, right, bottom = (edge * factor for edge in box)
    return left, top, max(left, right - 1), max(top, bottom - 1)


def _draw_box(canvas: ImageDraw.ImageDraw, box: Corners, *, colour: Colour, line: int, dashed: bool) -> None:
    if not dashed:
        canvas.rectangle(box, outline=colour, width=line)
        return
    left, top, right, bottom = box
    dash = 4 * line + 2
    for start in np.arange(left, right, 2 * dash).tolist():
        for y in (top, bottom):
            canvas.line((start, y, min(start + dash, right), y), fill=colour, width=line)
    for start in np.arange(top, bottom, 2 * dash).tolist():
        for x in (left, right):
            canvas.line((x, start, x, min(start + dash, bottom)), fill=colour, width=line)


def _draw_text(
    canvas: ImageDraw.ImageDraw,
    thing: Drawn,
    box: Corners,
    *,
    font: "ImageFont.ImageFont | ImageFont.FreeTypeFont",
    line: int,
    taken: list[Corners],
    size: tuple[int, int],
) -> None:
    """Above the box, or else inside, below or at its right: the first place that is in the picture and free."""
    pad = line + 1
    text = "".join(each if each.isprintable() else "?" for each in thing.text)
    x0, y0, x1, y1 = canvas.textbbox((0, 0), text, font=font)
    wide, high = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
    left, top, right, bottom = box
    places = [(left, top - high), (left, top), (left, bottom), (right - wide, bottom - high), (right, top)]
    corners = []
    for x, y in places:
        x, moved = min(max(0.0, x), max(0.0, size[0] - wide)), min(max(0.0, y), max(0.0, size[1] - high))
        corners.append((moved != y, (x, moved, x + wide, moved + high)))
    free = [each for each in corners if not any(_overlap(each[1], other) for other in taken)]
    _, chosen = min(free or corners, key=lambda each: each[0])
    taken.append(chosen)
    colour = _colour_of(thing)
    canvas.rectangle(chosen, fill=colour)
    luminance = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    ink = (0, 0, 0) if luminance > 140 else (255, 255, 255)
    canvas.text((chosen[0] + pad - x0, chosen[1] + pad - y0), text, fill=ink, font=font)


def _overlap(one: Corners, other: Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
