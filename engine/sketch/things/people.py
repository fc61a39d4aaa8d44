"""The people, whose clothes have the named colour, and the robot and the snowman."""

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
    fuse,
    ink,
    limb,
    loop,
    near,
)

_SKIN: Final[Rgb] = (246.0, 200.0, 162.0)
_AUBURN: Final[Rgb] = (132.0, 62.0, 28.0)
_DARK_HAIR: Final[Rgb] = (100.0, 60.0, 34.0)
_TROUSERS: Final[Rgb] = (62.0, 70.0, 112.0)
_SHOES: Final[Rgb] = (60.0, 40.0, 32.0)
_RED: Final[Rgb] = (222.0, 40.0, 48.0)
_METAL: Final[Rgb] = (166.0, 172.0, 184.0)
_SCREEN: Final[Rgb] = (56.0, 60.0, 76.0)
_HAT: Final[Rgb] = (58.0, 56.0, 72.0)
_STRING: Final[Rgb] = (226.0, 222.0, 214.0)
_TWIG: Final[Rgb] = (132.0, 82.0, 44.0)


def _woman(brush: Brush, rng: np.random.Generator) -> None:
    """Long hair, a wide dress with long sleeves."""
    hair, skin = brush.lit(_AUBURN), brush.lit(_SKIN)
    long, flare = near(rng, 0.49, 0.045), near(rng, 0.28, 0.025)
    left = [(-0.2, 1.0), (-0.25, 0.74), (-flare, long), (-0.1, long)]
    locks = [(0, 1.1), *left, *((-x, y) for x, y in reversed(left))]
    fuse(brush, [loop(locks)], hair)
    for x in (-0.09, 0.09):
        brush.shape(box(x, 0.11, 0.045, 0.08), skin)
        brush.oval(x, 0.035, 0.07, 0.035, contrast(brush))
    out, low = near(rng, 0.34, 0.03), near(rng, 0.37, 0.03)
    for side in (-1, 1):
        arm = limb([(0.13 * side, 0.62), (0.25 * side, 0.5), (out * side, low + 0.02)], 0.12, 0.1)
        brush.oval(out * side, low, 0.05, 0.05, skin)
        fuse(brush, [arm], brush.body)
    hem = near(rng, 0.34, 0.03)
    dress = [(-0.13, 0.68), (0.13, 0.68), (0.12, 0.5), (hem, 0.14), (-hem, 0.14), (-0.12, 0.5)]
    sleeves = [ellipse(0.14 * side, 0.63, 0.085, 0.075) for side in (-1, 1)]
    fuse(brush, [*sleeves, dress], brush.body)
    brush.patch([(-0.12, 0.51), (0.12, 0.51), (0.14, 0.45), (-0.14, 0.45)], contrast(brush))
    brush.oval(0, 0.86, 0.155, 0.165, skin)
    parting = near(rng, 0.0, 0.04)
    temple = [(-0.165, 0.84), (-0.15, 1.0), (0, 1.06), (0.15, 1.0), (0.165, 0.84)]
    brush.patch([*temple, (0.11, 0.94), (parting, 0.99), (-0.11, 0.94)], hair)
    _eyes(brush, 0.065, 0.87, 0.026)
    brush.patch(ellipse(0, 0.775, near(rng, 0.05, 0.012), 0.026), brush.lit((214.0, 30.0, 60.0)))


def _man(brush: Brush, rng: np.random.Generator) -> None:
    """Short dark hair, a full beard, a jacket over a white shirt, dark trousers."""
    skin = brush.lit(_SKIN)
    stance = near(rng, 0.115, 0.02)
    for side in (-1, 1):
        outer, inner = (stance + 0.085) * side, (stance - 0.085) * side
        leg = [(inner, 0.03), (outer, 0.03), (0.2 * side, 0.38), (0, 0.38)]
        brush.shape(leg, brush.lit(_TROUSERS))
        brush.oval((stance + 0.02) * side, 0.035, 0.1, 0.04, brush.lit(_SHOES))
    out = near(rng, 0.35, 0.03)
    for side in (-1, 1):
        brush.oval(out * side, 0.33, 0.06, 0.06, skin)
        sleeve = limb([(0.2 * side, 0.64), (0.3 * side, 0.54), (out * side, 0.37)], 0.14, 0.13)
        fuse(brush, [sleeve, ellipse(0.2 * side, 0.645, 0.08, 0.08)], brush.body)
    hip = near(rng, 0.22, 0.015)
    shoulders = [(-0.24, 0.68), (-0.16, 0.73), (0.16, 0.73), (0.24, 0.68)]
    brush.shape([*shoulders, (hip, 0.32), (-hip, 0.32)], brush.body)
    brush.shape([(-0.1, 0.73), (0.1, 0.73), (0, near(rng, 0.51, 0.02))], brush.lit(WHITE))
    brush.stick([(0, 0.5), (0, 0.33)], brush.outline, 0.018)
    _bearded_head(brush, rng)


def _bearded_head(brush: Brush, rng: np.random.Generator) -> None:
    hair, skin = brush.lit(_DARK_HAIR), brush.lit(_SKIN)
    for side in (-1, 1):
        brush.oval(0.165 * side, 0.88, 0.035, 0.045, skin)
    brush.oval(0, 0.89, 0.16, 0.165, skin)
    cheeks = [(-0.17, 0.9), (-0.1, 0.84), (0, 0.855), (0.1, 0.84), (0.17, 0.9)]
    beard = [*cheeks, (0.13, 0.74), (0, near(rng, 0.66, 0.025)), (-0.13, 0.74)]
    fuse(brush, [loop(beard)], hair)
    mouth = ellipse(0, 0.79, near(rng, 0.055, 0.012), 0.024)
    brush.patch(mouth, brush.lit((214.0, 90.0, 90.0)))
    crown = [(-0.18, 0.92), (-0.17, 1.04), (-0.04, near(rng, 1.08, 0.015)), (0.13, 1.07)]
    fuse(brush, [loop([*crown, (0.18, 0.92), (0.1, 0.99), (-0.1, 0.99)])], hair)
    _eyes(brush, 0.065, 0.915, 0.025)


def _child(brush: Brush, rng: np.random.Generator) -> None:
    """Small, with a big head, a cap and a laughing face; holds a balloon on a string."""
    skin = brush.lit(_SKIN)
    x, y = near(rng, 0.44, 0.025), near(rng, 0.91, 0.03)
    brush.stick(curve([(0.33, 0.38), (0.36, 0.55), (x, y - 0.15)]), brush.lit(_STRING), 0.025)
    brush.oval(x, y, 0.13, 0.15, brush.body)
    brush.dot(x - 0.04, y + 0.06, 0.035, brush.shade(1.6))
    for side in (-1, 1):
        brush.shape(box(0.085 * side, 0.085, 0.05, 0.055), skin)
        brush.oval(0.105 * side, 0.035, 0.075, 0.04, brush.lit(_RED))
        brush.shape(box(0.08 * side, 0.17, 0.08, 0.07), brush.lit(_TROUSERS))
    hand = near(rng, 0.21, 0.04)
    waving = [(0.12, 0.36), (0.25, 0.34), (0.33, 0.38)]
    for arm in ([(-0.12, 0.36), (-0.24, 0.3), (-0.29, hand)], waving):
        fuse(brush, [limb(arm, 0.1, 0.08)], brush.body)
        brush.oval(*arm[-1], 0.045, 0.045, skin)
    brush.shape([(-0.15, 0.42), (0.15, 0.42), (0.19, 0.16), (-0.19, 0.16)], brush.body)
    _capped_head(brush, rng, near(rng, 0.6, 0.015))


def _capped_head(brush: Brush, rng: np.random.Generator, y: float) -> None:
    skin = brush.lit(_SKIN)
    for side in (-1, 1):
        brush.oval(0.24 * side, y - 0.02, 0.045, 0.05, skin)
    brush.oval(0, y, 0.24, 0.215, skin)
    top = near(rng, 0.27, 0.02)
    dome = [(-0.25, y + 0.06), (-0.2, y + 0.2), (0, y + top), (0.2, y + 0.2), (0.25, y + 0.06)]
    fuse(brush, [curve(dome)], brush.body)
    brush.shape(box(0, y + 0.085, 0.265, 0.033), contrast(brush))
    _eyes(brush, near(rng, 0.09, 0.006), y - 0.02, 0.034)
    for side in (-1, 1):
        brush.dot(0.165 * side, y - 0.09, 0.042, brush.lit((255.0, 150.0, 140.0)))
    smile = curve([(-0.075, y - 0.1), (0, y - near(rng, 0.175, 0.018)), (0.075, y - 0.1)])
    brush.patch(smile, brush.lit((190.0, 40.0, 50.0)))


def _robot(brush: Brush, rng: np.random.Generator) -> None:
    """Made of boxes: a head with an antenna and glowing eyes, a chest with three lamps."""
    metal, screen = brush.lit(_METAL), brush.lit(_SCREEN)
    stance = near(rng, 0.13, 0.018)
    for side in (-1, 1):
        brush.shape(box(stance * side, 0.14, 0.055, 0.14), metal)
        brush.shape(box(stance * side, 0.045, 0.105, 0.045), brush.body)
        hand = near(rng, 0.22, 0.035)
        brush.shape(box(0.35 * side, (0.5 + hand) / 2, 0.05, (0.5 - hand) / 2), metal)
        brush.shape(box(0.35 * side, hand, 0.085, 0.055), brush.body)
        brush.oval(0.32 * side, 0.52, 0.085, 0.075, brush.body)
    brush.shape(box(0, 0.6, 0.07, 0.06), metal)
    brush.shape(box(0, 0.39, near(rng, 0.262, 0.015), 0.185), brush.body)
    brush.shape(box(0, near(rng, 0.4, 0.015), 0.16, 0.08), screen)
    lamps = ((255.0, 70.0, 60.0), (255.0, 220.0, 60.0), (80.0, 230.0, 110.0))
    for i, lamp in enumerate(lamps):
        brush.dot(0.09 * (i - 1), 0.4, 0.038, lamp)
    _robot_head(brush, rng, near(rng, 0.775, 0.01))


def _robot_head(brush: Brush, rng: np.random.Generator, y: float) -> None:
    tip = (near(rng, 0.0, 0.03), near(rng, 1.04, 0.015))
    brush.stick([(0, y + 0.15), tip], brush.lit(_METAL), 0.035)
    brush.oval(*tip, 0.05, 0.05, (255.0, 60.0, 60.0))
    for side in (-1, 1):
        brush.shape(box(0.29 * side, y, 0.04, 0.07), brush.lit(_METAL))
    brush.shape(box(0, y, near(rng, 0.265, 0.015), 0.16), brush.body)
    brush.shape(box(0, y + 0.03, 0.205, 0.085), brush.lit(_SCREEN))
    glow = near(rng, 0.066, 0.005)
    for x in (-0.1, 0.1):
        brush.dot(x, y + 0.03, glow, (90.0, 240.0, 255.0))
        brush.dot(x, y + 0.03, 0.03, WHITE)
    brush.patch(box(0, y - 0.105, near(rng, 0.12, 0.02), 0.022), ink(brush))


def _snowman(brush: Brush, rng: np.random.Generator) -> None:
    """Two balls, stick arms, a scarf, a carrot for a nose and a top hat."""
    for side in (-1, 1):
        lift = near(rng, 0.6, 0.05)
        arm = [(0.24 * side, 0.42), (0.56 * side, lift)]
        fork = [(0.44 * side, 0.42 + (lift - 0.42) * 0.63), (0.46 * side, lift + 0.05)]
        for fill, width in ((brush.outline, 0.055), (brush.lit(_TWIG), 0.035)):
            brush.stick(arm, fill, width)
            brush.stick(fork, fill, width)
    brush.oval(0, 0.29, near(rng, 0.315, 0.02), 0.29, brush.body)
    head = near(rng, 0.69, 0.012)
    brush.oval(0, head, near(rng, 0.222, 0.012), 0.205, brush.body)
    for y in (0.12, 0.27):
        brush.dot(near(rng, -0.03, 0.015), y, 0.042, ink(brush))
    scarf, end = brush.lit(_RED), near(rng, 0.24, 0.035)
    brush.shape([(0.06, 0.52), (0.18, 0.52), (near(rng, 0.22, 0.02), end), (0.09, end)], scarf)
    wrap = [(-0.23, 0.58), (0, 0.52), (0.23, 0.58), (0.22, 0.47), (0, 0.42), (-0.22, 0.47)]
    fuse(brush, [loop(wrap)], scarf)
    for x in (-0.095, 0.095):
        brush.dot(x, head + 0.06, 0.038, ink(brush))
    carrot = [(-0.03, head + 0.045), (near(rng, 0.3, 0.03), head - 0.03), (-0.03, head - 0.065)]
    brush.shape(carrot, (255.0, 130.0, 20.0))
    hat = brush.lit(_HAT)
    high = near(rng, 0.11, 0.01)
    brush.shape(box(0, head + 0.17 + high, 0.155, high), hat)
    brush.patch(box(0, head + 0.22, 0.147, 0.035), scarf)
    brush.shape(box(0, head + 0.165, 0.26, 0.028), hat)


def _eyes(brush: Brush, apart: float, y: float, radius: float) -> None:
    """Draw two dark eyes, each `apart` from the middle of the face."""
    for x in (-apart, apart):
        brush.patch(ellipse(x, y, radius, radius * 1.25), BLACK)


DRAWERS: Final[dict[str, Callable[[Brush, np.random.Generator], None]]] = {
    "woman": _woman,
    "man": _man,
    "child": _child,
    "robot": _robot,
    "snowman": _snowman,
}
