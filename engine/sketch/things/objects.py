"""Small things: a mushroom, a cake, noodles, a sword, a crown and a book."""

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Point
from engine.sketch.things.forms import arc, darker, icing, rectangle, rod, varied


def _mushroom(brush: Brush, rng: np.random.Generator) -> None:
    foot = varied(rng, 0.23, 0.1)
    cream = brush.lit((252.0, 236.0, 206.0))
    stem: list[Point] = [(-0.15, 0.48), (-foot, 0.1), (-foot * 0.8, 0), (foot * 0.8, 0)]
    brush.shape([*stem, (foot, 0.1), (0.15, 0.48)], cream)
    low, high = 0.42 + float(rng.uniform(-0.02, 0.02)), varied(rng, 0.52, 0.06)
    brush.shape([*arc(0, low, 0.56, high, 0, 180), *arc(0, low, 0.56, 0.09, 180, 360)], brush.body)
    spot = icing(brush)
    for x, y, radius in ((0.0, 0.3, 0.13), (-0.33, 0.14, 0.09), (0.33, 0.14, 0.09)):
        cx, cy = x + float(rng.uniform(-0.03, 0.03)), low + y * high / 0.52
        brush.oval(cx, cy, varied(rng, radius, 0.1), varied(rng, radius, 0.1), spot)


def _drips(
    left: float, right: float, top: float, depth: float, rng: np.random.Generator
) -> list[Point]:
    """Return the outline of icing that runs down from a tier's top edge."""
    xs = np.linspace(left, right, 41)
    waves = (1 - np.cos((xs - left) / (right - left) * 8 * np.pi)) / 2
    ys = top - depth * (0.35 + 0.65 * waves) * rng.uniform(0.85, 1.15)
    return [(left, top), *zip(xs.tolist(), ys.tolist(), strict=True), (right, top)]


def _cake(brush: Brush, rng: np.random.Generator) -> None:
    brush.oval(0, 0.05, 0.58, 0.05, brush.lit((226.0, 230.0, 238.0)))
    cream = icing(brush)
    for x in (-0.18, 0, 0.18):
        tall = varied(rng, 0.18, 0.1)
        brush.shape(
            rectangle(x - 0.045, 0.7, x + 0.045, 0.72 + tall), brush.lit((92.0, 170.0, 240.0))
        )
        brush.oval(x, 0.81 + tall, 0.05, 0.075, (255.0, 190.0, 40.0))
    for half, low, high in ((0.48, 0.06, 0.42), (0.31, 0.42, 0.74)):
        width = varied(rng, half, 0.03)
        brush.shape(rectangle(-width, low, width, high), brush.body)
        brush.shape(_drips(-width, width, high, 0.14, rng), cream)


def _noodles(brush: Brush, rng: np.random.Generator) -> None:
    pale = brush.lit((216.0, 224.0, 236.0))
    for x in (-0.3, -0.08):
        ys = np.linspace(0.8, 1.08, 16)
        xs = x + 0.04 * np.sin((ys - 0.8) * 22 + rng.uniform(-0.6, 0.6))
        brush.stick(list(zip(xs.tolist(), ys.tolist(), strict=True)), pale, 0.045)
    tilt = float(rng.uniform(-0.03, 0.03))
    wood = brush.lit((164.0, 92.0, 50.0))
    for x in (0.0, 0.12):
        rod(brush, [(x + 0.02, 0.5), (x + 0.34 + tilt, 1.06)], wood, 0.035)
    heap = varied(rng, 0.3, 0.08)
    noodle = brush.lit((255.0, 216.0, 110.0))
    brush.shape(arc(0, 0.48, 0.48, heap, 0, 180), noodle)
    line = brush.lit((214.0, 150.0, 50.0))
    for x, reach in ((-0.22, 0.2), (-0.02, 0.22), (0.2, 0.22)):
        brush.stick(arc(x, 0.46, reach, heap * 0.66, 10, 170), line, 0.03)
    egg = -0.2 + float(rng.uniform(-0.03, 0.03))
    brush.oval(egg, 0.61, 0.16, 0.13, brush.lit((255.0, 252.0, 244.0)))
    brush.dot(egg, 0.61, 0.08, brush.lit((255.0, 156.0, 30.0)))
    brush.shape(rectangle(-0.22, 0, 0.22, 0.1), darker(brush, 0.7))
    brush.shape(arc(0, 0.5, 0.58, 0.44, 180, 360), brush.body)
    brush.stick(arc(0, 0.47, 0.5, 0.34, 205, 335), icing(brush), 0.05)
    brush.shape(rectangle(-0.6, 0.47, 0.6, 0.54), darker(brush, 0.82))


def _sword(brush: Brush, rng: np.random.Generator) -> None:
    half = varied(rng, 0.135, 0.08)
    guard = varied(rng, 0.33, 0.07)
    gold, edge = brush.lit((246.0, 190.0, 50.0)), 0.92
    brush.shape([(-half, 0.3), (-half, edge), (0, 1.1), (half, edge), (half, 0.3)], brush.body)
    inset = half - 0.02
    brush.patch([(0, 0.3), (0, 1.06), (inset, edge - 0.01), (inset, 0.3)], darker(brush, 0.72))
    brush.patch([(-inset, 0.3), (-inset, edge - 0.01), (-inset * 0.4, 0.98), (-inset * 0.4, 0.3)],
                brush.shade(1.3))  # fmt: skip
    brush.shape(rectangle(-0.07, 0.1, 0.07, 0.32), brush.lit((128.0, 76.0, 44.0)))
    brush.shape(rectangle(-guard, 0.29, guard, 0.39), gold)
    brush.oval(0, 0.08, 0.1, 0.08, gold)


def _crown(brush: Brush, rng: np.random.Generator) -> None:
    high, side = varied(rng, 0.86, 0.04), varied(rng, 0.7, 0.05)
    valley = varied(rng, 0.45, 0.06)
    foot = arc(0, 0.08, 0.46, 0.08, 180, 360)
    points = [(0.53, side), (0.26, valley), (0, high), (-0.26, valley), (-0.53, side)]
    brush.shape([*foot, *points], brush.body)
    for x, y in points[::2]:
        brush.oval(x * 0.98, y + 0.03, 0.07, 0.07, brush.body)
    band = [*foot, *arc(0, 0.28, 0.485, 0.08, 360, 180)]
    brush.shape(band, darker(brush, 0.78))
    jewels = (
        (-0.28, (60.0, 130.0, 246.0)),
        (0.0, (236.0, 44.0, 70.0)),
        (0.28, (50.0, 190.0, 110.0)),
    )
    for x, rgb in jewels:
        y = 0.18 - 0.08 * float(np.sqrt(1 - (x / 0.48) ** 2))
        brush.oval(x, y, varied(rng, 0.075, 0.08), 0.075, brush.lit(rgb))


def _book(brush: Brush, rng: np.random.Generator) -> None:
    wide, high = varied(rng, 0.38, 0.06), varied(rng, 0.92, 0.04)
    deep, rise = varied(rng, 0.16, 0.12), 0.12
    paper, line = brush.lit((255.0, 248.0, 226.0)), brush.lit((200.0, 186.0, 154.0))
    back = [(-wide + deep, high + rise), (wide + deep, high + rise), (wide + deep, rise)]
    brush.shape([(-wide, high), *back, (wide, 0)], paper)
    for share in (0.33, 0.67):
        x, y = wide + deep * share, rise * share
        brush.stick([(x, y + 0.03), (x, high + y - 0.01)], line, 0.02)
    brush.shape(rectangle(-wide, 0, wide, high), brush.body)
    brush.shape(rectangle(-wide - 0.04, 0, -wide + 0.12, high), darker(brush, 0.68))
    gold = brush.lit((250.0, 206.0, 84.0))
    brush.shape(rectangle(-wide + 0.24, high - 0.4, wide - 0.1, high - 0.18), gold)
    brush.stick([(-wide + 0.24, 0.2), (wide - 0.1, 0.2)], gold, 0.05)


DRAWERS: Final[dict[str, Callable[[Brush, np.random.Generator], None]]] = {
    "mushroom": _mushroom,
    "cake": _cake,
    "noodles": _noodles,
    "sword": _sword,
    "crown": _crown,
    "book": _book,
}
