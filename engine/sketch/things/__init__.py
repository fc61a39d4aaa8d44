"""The things in front, each drawn from parts so that it stays recognisable when it is small."""

import numpy as np

from engine.sketch.brush import PAINTS, Brush, outline_of
from engine.sketch.canvas import Canvas, Light, times
from engine.sketch.things import animals, buildings, classic, objects, people, space

DRAWERS = {
    **classic.DRAWERS,
    **animals.DRAWERS,
    **people.DRAWERS,
    **buildings.DRAWERS,
    **space.DRAWERS,
    **objects.DRAWERS,
}
"""How each thing is drawn, by its name in `spec.THINGS`."""


def draw_thing(
    canvas: Canvas,
    thing: str,
    colour: str,
    where: tuple[float, float, float],
    light: Light,
    time: str,
    rng: np.random.Generator,
) -> None:
    """Draw a thing in a named colour.

    `where` is the x of its middle, the y of its foot and its size, all px.
    """
    paint = times(PAINTS[colour], light.thing_tint)
    brush = Brush(canvas, *where, paint, outline_of(colour, light, time), light, time)
    DRAWERS[thing](brush, rng)
