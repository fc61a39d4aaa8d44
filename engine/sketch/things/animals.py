"""The animals: cat, dog, fish, horse, rabbit and, among them, the dragon."""

from collections.abc import Callable
from typing import Final

import numpy as np

from engine.sketch.brush import Brush
from engine.sketch.canvas import Rgb
from engine.sketch.things.forms import (
    BLACK,
    WHITE,
    box,
    contrast,
    curve,
    ellipse,
    eye,
    fuse,
    ink,
    limb,
    loop,
    near,
)

_PINK: Final[Rgb] = (255.0, 150.0, 170.0)
_NOSE_PINK: Final[Rgb] = (238.0, 92.0, 126.0)
_RED: Final[Rgb] = (222.0, 40.0, 48.0)
_HORN: Final[Rgb] = (255.0, 226.0, 150.0)


_SPIKES: Final = (
    ((-0.44, 0.14), (-0.4, 0.32), (-0.28, 0.14)),
    ((-0.32, 0.14), (-0.25, 0.36), (-0.14, 0.16)),
    ((-0.08, 0.46), (-0.15, 0.64), (0.08, 0.62)),
    ((0.0, 0.62), (-0.06, 0.82), (0.12, 0.8)),
)
"""The triangles along the dragon's back, from the tail to the neck."""


def _cat(brush: Brush, rng: np.random.Generator) -> None:
    """Sits and looks at the viewer: pointed ears, whiskers, a curled tail."""
    x, y = near(rng, 0.39, 0.025), near(rng, 0.41, 0.035)
    tail = [(0.14, 0.08), (0.38, 0.07), (0.52, 0.2), (0.5, 0.36), (x, y)]
    fuse(brush, [limb(tail, 0.13, 0.1), ellipse(x, y, 0.055, 0.055)], brush.body)
    wide = near(rng, 0.25, 0.025)
    fuse(brush, [loop([(-wide, 0.07), (wide, 0.07), (0.17, 0.5), (-0.17, 0.5)])], brush.body)
    brush.patch(ellipse(0, 0.28, 0.11, near(rng, 0.16, 0.02)), brush.shade(1.45))
    for paw in (-0.1, 0.1):
        brush.oval(paw, 0.04, 0.09, 0.055, brush.body)
    _cat_head(brush, rng, near(rng, 0.68, 0.02))


def _cat_head(brush: Brush, rng: np.random.Generator, y: float) -> None:
    ear = near(rng, 0.38, 0.03)
    ears = [[(0.33 * side, y), (0.3 * side, y + ear), (0.03 * side, y + 0.2)] for side in (-1, 1)]
    fuse(brush, [*ears, ellipse(0, y, near(rng, 0.335, 0.012), near(rng, 0.25, 0.015))], brush.body)
    for side in (-1, 1):
        inner = [(0.275 * side, y + 0.15), (0.265 * side, y + ear - 0.09), (0.14 * side, y + 0.23)]
        brush.patch(inner, brush.lit(_PINK))
    for x, low in ((-0.09, 0.16), (0, 0.13), (0.09, 0.16)):
        brush.stick([(x, y + 0.225), (x * 0.9, y + low)], contrast(brush), 0.035)
    pupil = near(rng, 0.036, 0.01)
    droop = near(rng, 0.0, 0.025)
    for side in (-1, 1):
        brush.oval(0.145 * side, y + 0.03, 0.075, 0.085, (206.0, 240.0, 90.0))
        brush.patch(ellipse(0.145 * side, y + 0.03, pupil, 0.075), BLACK)
        for rise in (-0.035, 0.03):
            start = (0.2 * side, y - 0.1 + rise)
            brush.stick([start, (0.5 * side, y - 0.1 + rise * 1.8 + droop)], brush.outline, 0.02)
    brush.patch(ellipse(0, y - 0.11, 0.12, 0.075), brush.lit(WHITE))
    brush.shape([(-0.045, y - 0.05), (0.045, y - 0.05), (0, y - 0.1)], brush.lit(_NOSE_PINK))
    brush.stick([(0, y - 0.1), (0, y - 0.15)], BLACK, 0.018)


def _dog(brush: Brush, rng: np.random.Generator) -> None:
    """Stands and turns its head to the viewer: hanging ears, a white snout, its tongue out."""
    tip = (near(rng, -0.5, 0.04), near(rng, 0.74, 0.04))
    tail = limb([(-0.34, 0.42), (-0.48, 0.54), tip], 0.12, 0.09)
    legs = [box(x, 0.17, 0.065, 0.17) for x in (-0.34, -0.18, 0.06, 0.22)]
    body = ellipse(-0.06, 0.38, near(rng, 0.355, 0.015), near(rng, 0.165, 0.015))
    fuse(brush, [tail, ellipse(*tip, 0.045, 0.045), *legs, body], brush.body)
    for x in (-0.34, -0.18, 0.06, 0.22):
        brush.patch(box(x, 0.035, 0.065, 0.035), brush.shade(1.5))
    _dog_head(brush, rng, near(rng, 0.2, 0.025), near(rng, 0.74, 0.025))


def _dog_head(brush: Brush, rng: np.random.Generator, x: float, y: float) -> None:
    brush.shape(box(x, y - 0.24, 0.14, 0.05), brush.lit(_RED))
    brush.oval(x, y, near(rng, 0.25, 0.012), 0.235, brush.body)
    drop, flare = near(rng, 0.29, 0.035), near(rng, 0.355, 0.015)
    for side in (-1, 1):
        ear = [
            (x + 0.12 * side, y + 0.19),
            (x + 0.29 * side, y + 0.13),
            (x + flare * side, y - drop + 0.08),
            (x + 0.27 * side, y - drop),
            (x + 0.2 * side, y - 0.04),
        ]
        fuse(brush, [loop(ear)], contrast(brush))
    brush.oval(x, y - 0.17, 0.055, near(rng, 0.1, 0.018), brush.lit((240.0, 70.0, 96.0)))
    brush.oval(x, y - 0.085, 0.14, 0.1, brush.lit(WHITE))
    brush.patch(ellipse(x, y - 0.035, 0.065, 0.048), BLACK)
    brush.stick([(x, y - 0.05), (x, y - 0.17)], BLACK, 0.018)
    for side in (-1, 1):
        eye(brush, x + 0.1 * side, y + 0.08, near(rng, 0.052, 0.004))


def _fish(brush: Brush, rng: np.random.Generator) -> None:
    """Swims to the right: a fan tail, fins, two white bands (grey on a white fish), a big eye."""
    tone = contrast(brush)
    spread, notch = near(rng, 0.26, 0.035), near(rng, -0.47, 0.03)
    upper = [(-0.2, 0.55), (-0.4, 0.55 + spread * 0.7), (-0.57, 0.55 + spread), (notch, 0.55)]
    lower = [(-0.57, 0.55 - spread), (-0.4, 0.55 - spread * 0.7)]
    fuse(brush, [loop([*upper, *lower])], brush.body)
    crest, keel = near(rng, 0.92, 0.035), near(rng, 0.2, 0.03)
    fuse(brush, [loop([(-0.2, 0.72), (-0.14, crest - 0.04), (0.06, crest), (0.28, 0.76)])], tone)
    fuse(brush, [loop([(-0.12, 0.36), (-0.1, keel), (0.04, keel), (0.14, 0.34)])], tone)
    brush.oval(0.1, 0.55, 0.42, near(rng, 0.25, 0.015), brush.body)
    band = contrast(brush) if min(brush.body) > 190 else brush.lit(WHITE)
    for x, half in ((-0.16, 0.16), (0.04, 0.21)):
        front = curve([(x, 0.55 + half), (x + 0.05, 0.55), (x, 0.55 - half)])
        back = [(px - 0.085, py) for px, py in reversed(front)]
        brush.patch([*front, *back], band)
    flap = near(rng, 0.47, 0.05)
    fuse(
        brush, [loop([(0.18, 0.52), (0.0, flap + 0.05), (-0.03, flap - 0.05), (0.13, 0.42)])], tone
    )
    eye(brush, 0.31, 0.62, near(rng, 0.085, 0.006))
    smile = near(rng, 0.455, 0.008)
    brush.stick(curve([(0.49, 0.49), (0.43, smile), (0.37, 0.47)]), ink(brush), 0.028)


def _horse(brush: Brush, rng: np.random.Generator) -> None:
    """Stands and looks to the right: a long neck and head, a mane, a long tail, hooves."""
    tone = contrast(brush)
    sway = near(rng, 0.0, 0.04)
    tail = [(-0.33, 0.65), (-0.45, 0.62), (-0.53 + sway, 0.36), (-0.5 + sway, 0.12), (-0.4, 0.3)]
    fuse(brush, [loop(tail)], tone)
    hooves = [near(rng, x, 0.025) for x in (-0.33, -0.17, 0.1, 0.26)]
    legs = [
        [(hoof - 0.045, 0), (hoof + 0.045, 0), (hip + 0.06, 0.46), (hip - 0.06, 0.46)]
        for hoof, hip in zip(hooves, (-0.31, -0.18, 0.1, 0.22), strict=True)
    ]
    nod = near(rng, 0.0, 0.03)
    neck = [(0.0, 0.62), (0.29, 0.44), (0.42, 0.8), (0.38, 0.99 + nod), (0.2, 0.95 + nod)]
    trunk = ellipse(-0.05, 0.53, 0.34, near(rng, 0.16, 0.015))
    fuse(brush, [*legs, trunk, neck, *_horse_head(nod)], brush.body)
    for hoof in hooves:
        brush.shape(box(hoof, 0.035, 0.05, 0.035), BLACK)
    crest = [(0.27, 1.04 + nod), (0.31, 0.95 + nod), (0.22, 0.82), (0.14, near(rng, 0.6, 0.03))]
    fuse(brush, [loop([*crest, (0.0, 0.64), (0.05, 0.82), (0.16, 0.98 + nod)])], tone)
    brush.dot(0.385, 0.9 + nod, 0.04, WHITE)
    brush.dot(0.392, 0.9 + nod, 0.028, BLACK)
    brush.dot(0.54, 0.755 + nod, 0.018, ink(brush))


def _horse_head(nod: float) -> list[list[tuple[float, float]]]:
    """Return the head and an ear, raised by `nod`."""
    brow = [(0.22, 0.93 + nod), (0.32, 1.01 + nod), (0.44, 0.93 + nod), (0.575, 0.79 + nod)]
    jaw = [(0.55, 0.69 + nod), (0.44, 0.71 + nod), (0.3, 0.82 + nod)]
    return [loop([*brow, *jaw]), [(0.24, 0.95 + nod), (0.28, 1.08 + nod), (0.37, 0.97 + nod)]]


def _rabbit(brush: Brush, rng: np.random.Generator) -> None:
    """Sits and looks at the viewer: very long ears, two teeth, a round white tail."""
    brush.oval(near(rng, 0.29, 0.015), 0.15, 0.1, 0.1, brush.lit(WHITE))
    head = near(rng, 0.55, 0.015)
    for side in (-1, 1):
        lean, long = near(rng, 0.12, 0.08) * -side, near(rng, 0.23, 0.018)
        x = 0.13 * side - 0.12 * lean
        fuse(brush, [ellipse(x, head + 0.28, 0.085, long, lean)], brush.body)
        brush.patch(ellipse(x, head + 0.28, 0.045, long - 0.05, lean), brush.lit(_PINK))
    brush.oval(0, 0.22, near(rng, 0.25, 0.02), 0.22, brush.body)
    brush.patch(ellipse(0, 0.19, 0.14, near(rng, 0.15, 0.015)), brush.shade(1.55))
    feet = near(rng, 0.17, 0.02)
    for side in (-1, 1):
        brush.oval(feet * side, 0.05, 0.13, 0.06, brush.body)
        brush.oval(0.1 * side, 0.29, 0.05, 0.075, brush.body)
    brush.oval(0, head, near(rng, 0.26, 0.015), 0.2, brush.body)
    for side in (-1, 1):
        brush.oval(0.115 * side, head + 0.045, 0.05, 0.062, WHITE)
        brush.patch(ellipse(0.115 * side, head + 0.04, 0.038, 0.05), BLACK)
        brush.dot(0.17 * side, head - 0.07, 0.045, brush.lit(_PINK))
    brush.shape(box(0, head - 0.12, 0.05, near(rng, 0.05, 0.008)), brush.lit(WHITE))
    brush.stick([(0, head - 0.165), (0, head - 0.07)], BLACK, 0.014)
    brush.patch(ellipse(0, head - 0.055, 0.06, 0.04), brush.lit(_NOSE_PINK))


def _dragon(brush: Brush, rng: np.random.Generator) -> None:
    """Sits and looks to the right: a raised wing, horns, spikes, a long tail, a flame."""
    horn = brush.lit(_HORN)
    _wing(brush, near(rng, 0.0, 0.035))
    x, y = near(rng, -0.5, 0.02), near(rng, 0.3, 0.045)
    brush.shape([(x - 0.08, y - 0.02), (x + 0.09, y), (x - 0.01, y + 0.17)], horn)
    for base, top, end in _SPIKES:
        brush.shape([base, top, end], horn)
    nod = near(rng, 0.84, 0.025)
    for px in (0.09, 0.21):
        brush.shape([(px, nod + 0.06), (px - 0.08, nod + 0.22), (px + 0.1, nod + 0.09)], horn)
    tail = limb([(0.0, 0.16), (-0.26, 0.08), (-0.46, 0.12), (x, y)], 0.22, 0.07)
    body = ellipse(0.02, 0.28, near(rng, 0.22, 0.015), 0.235)
    feet = [ellipse(foot, 0.045, 0.11, 0.05) for foot in (-0.08, 0.16)]
    neck = limb([(0.05, 0.4), (0.15, 0.6), (0.18, nod)], 0.28, 0.22)
    skull = ellipse(0.2, nod, 0.165, 0.13)
    snout = loop([(0.22, nod + 0.07), (0.36, nod + 0.02), (0.46, nod + 0.01), (0.46, nod - 0.1),
                  (0.34, nod - 0.12), (0.2, nod - 0.11)])  # fmt: skip
    fuse(brush, [tail, body, *feet, neck, skull, snout], brush.body)
    fuse(brush, [ellipse(0.1, 0.27, 0.11, 0.165, 0.12)], horn)
    eye(brush, 0.25, nod + 0.035, 0.062)
    brush.dot(0.42, nod - 0.025, 0.02, ink(brush))
    reach, flare = near(rng, 0.575, 0.015), near(rng, 0.07, 0.012)
    flame = [(0.43, nod - 0.09), (0.53, nod - 0.1), (reach, nod - 0.16), (reach - 0.02, nod - 0.3)]
    fuse(brush, [loop([*flame, (0.47, nod - 0.2 - flare / 2)])], (255.0, 112.0, 20.0))
    brush.dot(0.52, nod - 0.18, 0.042, (255.0, 230.0, 80.0))


def _wing(brush: Brush, rise: float) -> None:
    tips = [(-0.22, 1.05 + rise), (-0.46, 0.93 + rise), (-0.57, 0.7 + rise)]
    edge = [tips[0], (-0.3, 0.84), tips[1], (-0.43, 0.72), tips[2], (-0.38, 0.5)]
    brush.shape([(-0.02, 0.5), (-0.07, 0.8), *edge, (-0.2, 0.4)], contrast(brush))
    for tip in tips:
        brush.stick([(-0.06, 0.46), tip], brush.outline, 0.02)


DRAWERS: Final[dict[str, Callable[[Brush, np.random.Generator], None]]] = {
    "cat": _cat,
    "dog": _dog,
    "fish": _fish,
    "horse": _horse,
    "rabbit": _rabbit,
    "dragon": _dragon,
}
