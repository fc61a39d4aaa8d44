"""Outlines and colours that several objects share."""

from collections.abc import Sequence

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Point, Rgb

_PALEST = 150.0
"""The darkest channel from which white marks would be lost on a colour. Chosen by eye."""


def arc(
    x: float, y: float, rx: float, ry: float, start_degrees: float, end_degrees: float
) -> list[Point]:
    """Return points along an ellipse around (x, y); 0° is right of it, 90° above it."""
    angles = np.radians(np.linspace(start_degrees, end_degrees, 25))
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


def box(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """Return the corners of a rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def near(rng: np.random.Generator, value: float, by: float) -> float:
    """Return a value that differs from the given one by a share of at most `by`."""
    return value * (1 + float(rng.uniform(-by, by)))


def rod(brush: Brush, points: Sequence[Point], fill: Rgb, width: float) -> None:
    """Draw an outlined line, `width` in units of the thing's size."""
    brush.stick(points, brush.outline, width + 2 * brush.stroke / brush.size)
    brush.stick(points, fill, width)


def darker(brush: Brush, factor: float) -> Rgb:
    """Return a darker body colour, or a lighter one where black could not get darker."""
    return brush.shade(factor) if max(brush.body) > 60 else brush.shade(2 - factor)


def icing(brush: Brush) -> Rgb:
    """Return white for large marks on the body, or pink where the body is itself pale."""
    pale = min(brush.body) > _PALEST
    return brush.lit((255.0, 140.0, 176.0) if pale else (255.0, 252.0, 246.0))


def accent(brush: Brush) -> Rgb:
    """Return a second colour for the body: red beside white, grey and black, else a darker one."""
    if max(brush.body) - min(brush.body) < 40:
        return brush.lit((224.0, 50.0, 48.0))
    return brush.shade(0.62)


def face(brush: Brush, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    """Draw two eyes and a smile around (x, y), `size` wide, that show on any body colour."""
    smile = near(rng, 0.26, 0.25) * size
    for side in (-1, 1):
        brush.dot(x + side * size * 0.36, y + size * 0.16, size * 0.13, brush.outline)
    mouth = arc(x, y - size * 0.02, size * 0.26, smile, 200, 340)
    brush.stick(mouth, brush.outline, size * 0.1)
