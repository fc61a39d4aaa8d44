"""Parts of a picture that are repainted by name, for those who cannot draw a mask. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np

from engine.types import Raster


class Region(StrEnum):
    """A part of a picture; BACKGROUND is all but CENTRE, whatever is to be seen there."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"
    CENTRE = "centre"
    BACKGROUND = "background"


OVAL: Final = 0.35
"""Half the width and height of the oval of CENTRE, as a share of the picture's. Chosen by hand."""


def region_mask(region: Region, width_px: int, height_px: int) -> Raster:
    """Return a mask of this size: white in the region, black elsewhere; LEFT is the left half."""
    x = (np.arange(width_px) + 0.5)[None, :] / width_px
    y = (np.arange(height_px) + 0.5)[:, None] / height_px
    oval = (x - 0.5) ** 2 + (y - 0.5) ** 2 <= OVAL**2
    inside = {
        Region.LEFT: x < 0.5,
        Region.RIGHT: x > 0.5,
        Region.TOP: y < 0.5,
        Region.BOTTOM: y > 0.5,
        Region.CENTRE: oval,
        Region.BACKGROUND: ~oval,
    }[region]
    white = np.broadcast_to(inside, (height_px, width_px))
    return Raster(width_px, height_px, np.repeat(white.astype(np.uint8) * 255, 3).tobytes())
