"""The castle."""

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Point
from engine.sketch.things.forms import accent, arc, darker, rectangle, varied


def _battlements(left: float, right: float, foot: float, top: float, teeth: int) -> list[Point]:
    """Return the outline of a wall whose top is toothed."""
    step = (right - left) / (2 * teeth - 1)
    points: list[Point] = [(left, foot)]
    for i in range(2 * teeth - 1):
        y = top if i % 2 == 0 else top - step * 0.8
        points += [(left + i * step, y), (left + (i + 1) * step, y)]
    return [*points, (right, foot)]


def _castle(brush: Brush, rng: np.random.Generator) -> None:
    keep, side = varied(rng, 0.78, 0.05), varied(rng, 0.58, 0.05)
    roof = varied(rng, 0.28, 0.12)
    brush.stick([(0, keep - 0.1), (0, 1.08)], brush.outline, 0.03)
    tip = 0.24 + float(rng.uniform(-0.03, 0.03))
    brush.shape([(0.01, 1.07), (tip, 1.0), (0.01, 0.92)], brush.lit((230.0, 60.0, 54.0)))
    brush.shape(_battlements(-0.19, 0.19, 0, keep, 3), brush.body)
    brush.shape(_battlements(-0.4, 0.4, 0, 0.38, 6), brush.body)
    for x in (-0.42, 0.42):
        brush.shape(rectangle(x - 0.14, 0, x + 0.14, side), brush.body)
        cone = [(x - 0.18, side - 0.01), (x, side + roof), (x + 0.18, side - 0.01)]
        brush.shape(cone, accent(brush) if max(brush.body) > 60 else darker(brush, 0.6))
        window = [(x - 0.045, 0.3), *arc(x, 0.42, 0.045, 0.05, 180, 0), (x + 0.045, 0.3)]
        brush.shape(window, brush.glass)
    window = [(-0.055, 0.46), *arc(0, 0.57, 0.055, 0.06, 180, 0), (0.055, 0.46)]
    brush.shape(window, brush.glass)
    gate = varied(rng, 0.13, 0.1)
    arch = [(-gate, 0), *arc(0, 0.15, gate, 0.13, 180, 0), (gate, 0)]
    brush.shape(arch, brush.lit((104.0, 66.0, 44.0)))


DRAWERS: Final[dict[str, Callable[[Brush, np.random.Generator], None]]] = {"castle": _castle}
