"""What all places share: the conditions of a scene, where things stand, the near ground."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.sketch.canvas import Canvas, Light, Rgb, mix, times

SNOW: Final[Rgb] = (238.0, 243.0, 252.0)


@dataclass(frozen=True, slots=True)
class SceneConditions:
    """What all places need to be drawn: a scene's light and weather, and where its low sun is."""

    light: Light
    time: str
    weather: str
    sun_x: float
    """Horizontal centre of the sun or moon, px; places leave it free."""

    def lit(self, rgb: Rgb, distance: float = 0.0) -> Rgb:
        """Return a landscape colour under this light; distant things (up to 1) fade into haze."""
        if self.weather == "mist":
            distance = distance + (1 - distance) * 0.38 * min(1.0, distance * 3 + 0.25)
        return mix(times(rgb, self.light.tint), self.light.haze, distance)

    def ground(self, rgb: Rgb, distance: float = 0.0, snow: float = 0.9) -> Rgb:
        """Return a colour of the ground under this light, with its cover of snow."""
        covered = mix(rgb, SNOW, snow) if self.weather == "snow" else rgb
        return self.lit(covered, distance)


@dataclass(frozen=True, slots=True)
class StagingHeights:
    """Where a thing is placed in a place; heights are fractions of the picture's height."""

    sun: float
    """Centre of a low sun."""
    ground: float
    """Where things on land stand."""
    float_line: float
    """Where a boat floats."""
    has_water: bool
    has_pond: bool = False
    """Whether a boat is given a pond, because it would lie on dry land."""
    afloat: bool = False
    """Whether everything floats freely: there is no ground, so nothing casts a shadow on it."""


def bank(canvas: Canvas, rng: np.random.Generator, y: float, fill: Rgb) -> None:
    """Draw the near ground: a soft hump from the left edge to the right."""
    xs = np.linspace(0, canvas.width, 25)
    phase = rng.uniform(0, 6.28)
    ys = y + canvas.height * 0.014 * np.sin(xs / canvas.unit * 3.2 + phase)
    points = list(zip(xs.tolist(), ys.tolist(), strict=True))
    canvas.polygon([*points, (canvas.width, canvas.height), (0, canvas.height)], fill)


Drawer = Callable[[Canvas, SceneConditions, np.random.Generator], None]
"""Draws one place over a finished sky."""
