"""The nine places: everything behind the thing, from the horizon to the ground it stands on."""

from typing import Final

import numpy as np

from engine.sketch.backdrops import enclosed, landscapes
from engine.sketch.backdrops.setting import SceneConditions, StagingHeights
from engine.sketch.canvas import Canvas

__all__ = ["STAGES", "SceneConditions", "StagingHeights", "draw_backdrop"]

STAGES: Final = {
    "lake": StagingHeights(sun=0.33, ground=0.90, float_line=0.78, has_water=True),
    "forest": StagingHeights(0.22, ground=0.88, float_line=0.86, has_water=False, has_pond=True),
    "desert": StagingHeights(0.43, ground=0.86, float_line=0.85, has_water=False, has_pond=True),
    "sea": StagingHeights(sun=0.44, ground=0.90, float_line=0.73, has_water=True),
    "city": StagingHeights(0.30, ground=0.91, float_line=0.90, has_water=False, has_pond=True),
    "meadow": StagingHeights(0.42, ground=0.88, float_line=0.87, has_water=False, has_pond=True),
    "room": StagingHeights(sun=0.30, ground=0.86, float_line=0.86, has_water=False),
    "space": StagingHeights(0.30, ground=0.76, float_line=0.74, has_water=False, afloat=True),
    "underwater": StagingHeights(sun=0.10, ground=0.90, float_line=0.90, has_water=False),
}

_DRAWERS: Final = {**landscapes.DRAWERS, **enclosed.DRAWERS}


def draw_backdrop(
    canvas: Canvas, place: str, setting: SceneConditions, rng: np.random.Generator
) -> None:
    """Draw one of the nine places over a finished sky."""
    _DRAWERS[place](canvas, setting, rng)
