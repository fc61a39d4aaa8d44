"""The first nine things: buildings, vehicles, a tree, a bird, a person and a flower."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Point


def _house(brush: Brush, rng: np.random.Generator) -> None:
    brush.shape([(0.24, 0.58), (0.24, 0.86), (0.35, 0.86), (0.35, 0.5)], brush.shade(0.7))
    brush.shape([(-0.42, 0), (0.42, 0), (0.42, 0.48), (-0.42, 0.48)], brush.body)
    brush.shape([(-0.52, 0.46), (0, 0.94), (0.52, 0.46)], brush.shade(0.78))
    brush.shape([(-0.1, 0), (0.1, 0), (0.1, 0.3), (-0.1, 0.3)], brush.lit((110.0, 74.0, 52.0)))
    for x in (-0.28, 0.28):
        window = [(x - 0.08, 0.2), (x + 0.08, 0.2), (x + 0.08, 0.36), (x - 0.08, 0.36)]
        brush.shape(window, brush.glass)
    brush.oval(0, 0.63, 0.07, 0.07, brush.glass)


def _boat(brush: Brush, rng: np.random.Generator) -> None:
    side = 1.0
    wood = brush.lit((120.0, 84.0, 58.0))
    brush.stick([(0, 0.2), (0, 1.0)], wood, 0.035)
    brush.shape([(0.04 * side, 0.3), (0.04 * side, 0.98), (0.48 * side, 0.3)], brush.shade(1.25))
    brush.shape([(-0.04 * side, 0.3), (-0.04 * side, 0.84), (-0.36 * side, 0.3)], brush.body)
    hull = [(-0.58, 0.24), (0.58, 0.24), (0.4, 0.0), (-0.4, 0.0)]
    brush.shape(hull, brush.body)
    brush.stick([(-0.52, 0.185), (0.52, 0.185)], brush.lit((250.0, 250.0, 250.0)), 0.03)


def _tree(brush: Brush, rng: np.random.Generator) -> None:
    trunk = [(-0.07, 0), (0.07, 0), (0.05, 0.45), (-0.05, 0.45)]
    brush.shape(trunk, brush.lit((122.0, 80.0, 50.0)))
    lobes = [(-0.24, 0.56, 0.22), (0.24, 0.56, 0.22), (-0.12, 0.8, 0.22), (0.14, 0.78, 0.22)]
    for x, y, r in lobes:
        brush.oval(x, y, r, r, brush.body)
    for x, y, r in [*lobes, (0, 0.64, 0.24)]:
        px, py = brush.at(x, y)
        brush.canvas.disc(px, py, r * brush.size - brush.stroke * 0.5, brush.body)
    for x, y in ((-0.22, 0.64), (0.08, 0.84), (0.26, 0.6), (-0.02, 0.6)):
        px, py = brush.at(x + rng.uniform(-0.03, 0.03), y)
        brush.canvas.disc(px, py, 0.055 * brush.size, brush.shade(1.3))


def _car(brush: Brush, rng: np.random.Generator) -> None:
    side = 1.0
    cabin = [(-0.34, 0.3), (-0.2, 0.56), (0.16, 0.56), (0.32, 0.3)]
    brush.shape([(x * side, y) for x, y in cabin], brush.body)
    for left, right in ((-0.25, -0.04), (0.02, 0.22)):
        pane = [(left, 0.32), (left + 0.07, 0.5), (right - 0.05, 0.5), (right, 0.32)]
        brush.shape([(x * side, y) for x, y in pane], brush.glass)
    body = [(-0.6, 0.1), (-0.6, 0.28), (-0.52, 0.34), (0.4, 0.34), (0.58, 0.26), (0.62, 0.1)]
    brush.shape([(x * side, y) for x, y in body], brush.body)
    lamp = brush.at(0.55 * side, 0.21)
    brush.canvas.disc(*lamp, 0.045 * brush.size, (255.0, 240.0, 150.0))
    for x in (-0.34, 0.34):
        brush.oval(x, 0.1, 0.13, 0.13, brush.lit((44.0, 44.0, 52.0)))
        brush.canvas.disc(*brush.at(x, 0.1), 0.055 * brush.size, brush.lit((206.0, 206.0, 212.0)))


def _tower(brush: Brush, rng: np.random.Generator) -> None:
    brush.shape([(-0.2, 0), (0.2, 0), (0.12, 0.86), (-0.12, 0.86)], brush.body)
    band = brush.shade(0.45) if min(brush.body) > 150 else brush.lit((250.0, 250.0, 250.0))
    for low in (0.2, 0.52):
        a, b = 0.2 - 0.093 * low, 0.2 - 0.093 * (low + 0.13)
        brush.shape([(-a, low), (a, low), (b, low + 0.13), (-b, low + 0.13)], band)
    brush.shape([(-0.17, 0.86), (0.17, 0.86), (0.17, 0.91), (-0.17, 0.91)], brush.shade(0.7))
    brush.shape([(-0.09, 0.91), (0.09, 0.91), (0.09, 1.05), (-0.09, 1.05)], (255.0, 236.0, 130.0))
    brush.shape([(-0.14, 1.05), (0.14, 1.05), (0, 1.2)], brush.body)


def _balloon(brush: Brush, rng: np.random.Generator) -> None:
    for x in (-0.1, 0.1):
        brush.stick([(x * 2.1, 0.46), (x, 0.2)], brush.outline, 0.02)
    brush.shape([(-0.1, 0), (0.1, 0), (0.12, 0.2), (-0.12, 0.2)], brush.lit((156.0, 108.0, 64.0)))
    brush.shape([(-0.3, 0.52), (0.3, 0.52), (0.13, 0.3), (-0.13, 0.3)], brush.body)
    brush.oval(0, 0.78, 0.4, 0.4, brush.body)
    px, py = brush.at(0, 0.78)
    brush.canvas.ellipse(px, py, 0.26 * brush.size, 0.385 * brush.size, brush.shade(0.8))
    brush.canvas.ellipse(px, py, 0.11 * brush.size, 0.385 * brush.size, brush.shade(1.22))
    neck = [(-0.26, 0.5), (0.26, 0.5), (0.13, 0.31), (-0.13, 0.31)]
    brush.canvas.polygon([brush.at(*p) for p in neck], brush.body)


def _bird(brush: Brush, rng: np.random.Generator) -> None:
    side = 1.0

    def turned(points: Sequence[Point]) -> list[Point]:
        return [(x * side, y) for x, y in points]

    brush.shape(turned([(-0.05, 0.34), (-0.34, 0.86), (0.2, 0.4)]), brush.shade(0.72))
    brush.shape(turned([(-0.3, 0.3), (-0.68, 0.42), (-0.62, 0.2)]), brush.shade(0.85))
    brush.oval(0, 0.3, 0.36, 0.17, brush.body)
    brush.oval(0.34 * side, 0.42, 0.15, 0.15, brush.body)
    beak = turned([(0.47, 0.46), (0.66, 0.39), (0.47, 0.36)])
    brush.shape(beak, brush.lit((255.0, 176.0, 30.0)))
    brush.shape(turned([(0.16, 0.36), (-0.22, 0.98), (-0.2, 0.3)]), brush.body)
    brush.canvas.disc(*brush.at(0.38 * side, 0.46), 0.045 * brush.size, (250.0, 250.0, 250.0))
    brush.canvas.disc(*brush.at(0.39 * side, 0.46), 0.025 * brush.size, (20.0, 20.0, 26.0))


def _person(brush: Brush, rng: np.random.Generator) -> None:
    trousers = brush.lit((70.0, 72.0, 96.0))
    for x in (-0.1, 0.1):
        brush.shape([(x - 0.07, 0), (x + 0.07, 0), (x + 0.07, 0.36), (x - 0.07, 0.36)], trousers)
    skin = brush.lit((246.0, 200.0, 162.0))
    for side in (-1, 1):
        arm = [(0.14 * side, 0.7), (0.32 * side, 0.4), (0.22 * side, 0.34), (0.1 * side, 0.52)]
        brush.shape(arm, brush.body)
        brush.oval(0.28 * side, 0.36, 0.05, 0.05, skin)
    coat = [(-0.24, 0.26), (0.24, 0.26), (0.16, 0.74), (-0.16, 0.74)]
    brush.shape(coat, brush.body)
    brush.oval(0, 0.88, 0.16, 0.16, skin)
    for x in (-0.06, 0.06):
        brush.canvas.disc(*brush.at(x, 0.87), 0.022 * brush.size, (40.0, 36.0, 44.0))
    brush.shape([(-0.18, 0.93), (0.18, 0.93), (0.12, 1.08), (-0.12, 1.08)], brush.body)


def _flower(brush: Brush, rng: np.random.Generator) -> None:
    green = brush.lit((60.0, 160.0, 70.0))
    brush.stick([(0, 0), (0, 0.6)], brush.outline, 0.075)
    brush.stick([(0, 0), (0, 0.6)], green, 0.05)
    for side in (-1, 1):
        leaf = [(0, 0.08), (0.16 * side, 0.3), (0.32 * side, 0.3), (0.2 * side, 0.12)]
        brush.shape(leaf, green)
    for i in range(6):
        angle = np.pi / 3 * i + 0.5
        x, y = 0.22 * np.cos(angle), 0.74 + 0.22 * np.sin(angle)
        brush.oval(float(x), float(y), 0.14, 0.14, brush.body)
    heart = (
        (255.0, 206.0, 40.0) if min(brush.body) > 20 and brush.body[2] > 60 else (120.0, 70.0, 30.0)
    )
    brush.oval(0, 0.74, 0.12, 0.12, brush.lit(heart))


DRAWERS: Final[dict[str, Callable[[Brush, np.random.Generator], None]]] = {
    "house": _house,
    "boat": _boat,
    "tree": _tree,
    "car": _car,
    "tower": _tower,
    "balloon": _balloon,
    "bird": _bird,
    "person": _person,
    "flower": _flower,
}
