"""Forms, outlines and colours that several things share, in units of a thing's size."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Point, Rgb

BLACK: Final[Rgb] = (24.0, 22.0, 30.0)
WHITE: Final[Rgb] = (252.0, 252.0, 252.0)
_PALEST: Final = 150.0
"""The darkest channel from which white marks would be lost on a colour. Chosen by eye."""


def near(rng: np.random.Generator, value: float, by: float) -> float:
    """Draw a number that is at most `by` away from `value`."""
    return value + float(rng.uniform(-by, by))


def box(x: float, y: float, half_width: float, half_height: float) -> list[Point]:
    """Return an upright rectangle around (x, y) as a polygon."""
    left, right = x - half_width, x + half_width
    low, high = y - half_height, y + half_height
    return [(left, low), (right, low), (right, high), (left, high)]


def ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> list[Point]:
    """Return an ellipse as a polygon, turned counterclockwise by `turn` radians."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    along, across = rx * np.cos(angles), ry * np.sin(angles)
    xs = x + along * np.cos(turn) - across * np.sin(turn)
    ys = y + along * np.sin(turn) + across * np.cos(turn)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def curve(points: Sequence[Point]) -> list[Point]:
    """Return a smooth open curve through the points (a Catmull-Rom spline)."""
    return _spline([points[0], *points, points[-1]])


def loop(points: Sequence[Point]) -> list[Point]:
    """Return a smooth closed curve through the points (a Catmull-Rom spline)."""
    return _spline([points[-1], *points, points[0], points[1]])


def limb(points: Sequence[Point], start: float, end: float) -> list[Point]:
    """Return a tail or neck along a smooth curve, from the width `start` to `end`."""
    path = np.array(curve(points))
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    half = np.linspace(start / 2, end / 2, len(path))[:, None]
    sides = [*(path + across * half), *(path - across * half)[::-1]]
    return [(float(x), float(y)) for x, y in sides]


def fuse(brush: Brush, parts: Sequence[Sequence[Point]], fill: Rgb) -> None:
    """Fill polygons as one form: an outline around all of them, none where they overlap."""
    for part in parts:
        placed = [brush.at(*p) for p in part]
        brush.canvas.line([*placed, placed[0], placed[1]], brush.outline, brush.stroke * 2)
    for part in parts:
        brush.patch(part, fill)


def contrast(brush: Brush) -> Rgb:
    """Return a second tone of the body: darker, but paler where the body is black."""
    return brush.shade(1.4) if _is_black(brush) else brush.shade(0.62)


def ink(brush: Brush) -> Rgb:
    """Return a colour for features that are drawn straight onto the body."""
    return brush.shade(1.8) if _is_black(brush) else BLACK


def eye(brush: Brush, x: float, y: float, radius: float) -> None:
    """Draw a round white eye that looks at the viewer, with a glint."""
    brush.oval(x, y, radius, radius, WHITE)
    brush.dot(x, y, radius * 0.68, BLACK)
    brush.dot(x + radius * 0.25, y + radius * 0.3, radius * 0.26, WHITE)


def arc(
    x: float, y: float, rx: float, ry: float, start_degrees: float, end_degrees: float
) -> list[Point]:
    """Return points along an ellipse around (x, y); 0° is right of it, 90° above it."""
    angles = np.radians(np.linspace(start_degrees, end_degrees, 25))
    return [(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles]


def rectangle(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """Return the upright rectangle between two corners as a polygon."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def varied(rng: np.random.Generator, value: float, share: float) -> float:
    """Return a value that differs from the given one by at most this share."""
    return value * (1 + float(rng.uniform(-share, share)))


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
    smile = varied(rng, 0.26, 0.25) * size
    for side in (-1, 1):
        brush.dot(x + side * size * 0.36, y + size * 0.16, size * 0.13, brush.outline)
    mouth = arc(x, y - size * 0.02, size * 0.26, smile, 200, 340)
    brush.stick(mouth, brush.outline, size * 0.1)


def _is_black(brush: Brush) -> bool:
    red, green, blue = brush.body
    return 0.3 * red + 0.59 * green + 0.11 * blue < 60  # black has 35, the next darkest 80


def _spline(points: Sequence[Point]) -> list[Point]:
    """Return a curve through all points but the first and last, which only give its direction."""
    steps = np.linspace(0, 1, 8, endpoint=False)[:, None]
    corners = np.array(points)
    pieces = []
    for i in range(len(points) - 3):
        a, b, c, d = corners[i : i + 4]
        square, cube = 2 * a - 5 * b + 4 * c - d, 3 * (b - c) + d - a
        pieces.append(b + 0.5 * steps * (c - a + steps * (square + steps * cube)))
    path = np.concatenate([*pieces, corners[-2:-1]])
    return [(float(x), float(y)) for x, y in path]
