"""What flies or shines above: the spaceship, the rocket, the moon and the star."""

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Point
from engine.sketch.things.forms import accent, arc, darker, face, varied


def _spaceship(brush: Brush, rng: np.random.Generator) -> None:
    dome = varied(rng, 0.36, 0.1)
    brush.shape(arc(0, 0.44, 0.28, dome, 0, 180), brush.lit((176.0, 236.0, 246.0)))
    alien = brush.lit((112.0, 206.0, 92.0))
    brush.oval(0, 0.57, 0.15, 0.13, alien)
    for x in (-0.06, 0.06):
        brush.dot(x, 0.6, 0.04, (24.0, 26.0, 32.0))
    brush.oval(0, 0.16, 0.26, 0.1, darker(brush, 0.6))
    brush.oval(0, 0.34, 0.58, varied(rng, 0.2, 0.08), brush.body)
    rim = arc(0, 0.38, 0.42, 0.1, 200, 340)
    for x, y in rim[::6]:
        brush.dot(x, y - 0.03, 0.058, brush.outline)
        brush.dot(x, y - 0.03, 0.042, (255.0, 236.0, 96.0))


def _rocket(brush: Brush, rng: np.random.Generator) -> None:
    flame = varied(rng, 0.18, 0.2)
    fire: list[Point] = [(-0.13, 0.24), (-0.09, 0.22 - flame * 0.6), (0, 0.22 - flame)]
    brush.shape([*fire, (0.09, 0.22 - flame * 0.6), (0.13, 0.24)], (255.0, 140.0, 30.0))
    brush.patch([(-0.07, 0.24), (0, 0.24 - flame * 0.6), (0.07, 0.24)], (255.0, 232.0, 90.0))
    spread = varied(rng, 0.4, 0.08)
    for side in (-1, 1):
        fin = [(0.14 * side, 0.52), (spread * side, 0.3), (spread * side, 0.12), (0.1 * side, 0.26)]
        brush.shape(fin, accent(brush))
    width = varied(rng, 0.24, 0.05)
    hull: list[Point] = [(0.14, 0.22), (width * 0.94, 0.36), (width, 0.52), (width * 0.92, 0.7)]
    nose: list[Point] = [(width * 0.78, 0.84), (width * 0.42, 0.98), (0, 1.1)]
    outline = [*hull, *nose, *[(-x, y) for x, y in (hull + nose[:-1])[::-1]]]
    brush.shape(outline, brush.body)
    brush.shape([nose[0], *nose[1:], (-nose[1][0], nose[1][1]), (-nose[0][0], nose[0][1])],
                accent(brush))  # fmt: skip
    brush.oval(0, 0.62, 0.13, 0.13, darker(brush, 0.6))
    brush.oval(0, 0.62, 0.09, 0.09, brush.glass)


def _moon(brush: Brush, rng: np.random.Generator) -> None:
    brush.oval(0, 0.54, 0.5, 0.5, brush.body)
    shade, hollow = darker(brush, 0.88), darker(brush, 0.74)
    shadow = [*arc(0, 0.54, 0.48, 0.48, -100, 60), *arc(-0.1, 0.6, 0.46, 0.46, 40, -90)]
    brush.patch(shadow, shade)
    craters = ((-0.2, 0.7, 0.13), (0.2, 0.4, 0.15), (-0.2, 0.34, 0.09), (0.16, 0.82, 0.08),
               (0.02, 0.6, 0.06), (-0.36, 0.5, 0.05))  # fmt: skip
    for x, y, radius in craters:
        cx, cy = x + float(rng.uniform(-0.03, 0.03)), y + float(rng.uniform(-0.03, 0.03))
        reach = varied(rng, radius, 0.12)
        brush.dot(cx + 0.012, cy - 0.018, reach, brush.shade(1.45))
        brush.dot(cx, cy, reach, hollow)


def _star(brush: Brush, rng: np.random.Generator) -> None:
    inner = varied(rng, 0.29, 0.06)
    tilt = float(rng.uniform(-0.07, 0.07))
    points: list[Point] = []
    for i in range(10):
        angle = np.pi / 2 + tilt + np.pi / 5 * i
        reach = 0.58 if i % 2 == 0 else inner
        points.append((reach * float(np.cos(angle)), 0.5 + reach * float(np.sin(angle))))
    brush.shape(points, brush.body)
    brush.patch([(x * 0.7, 0.5 + (y - 0.5) * 0.7) for x, y in points], brush.shade(1.12))
    face(brush, 0, 0.46, 0.3, rng)


DRAWERS: Final[dict[str, Callable[[Brush, np.random.Generator], None]]] = {
    "spaceship": _spaceship,
    "rocket": _rocket,
    "moon": _moon,
    "star": _star,
}
