"""What painting begins with, and how many pictures that takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Mode(StrEnum):
    """What painting begins with, and how many input pictures that takes: `INPUTS`."""

    TEXT = "text"
    IMAGE = "image"
    INPAINT = "inpaint"
    BLEND = "blend"
    UPSCALE = "upscale"


INPUTS: Mapping[Mode, int] = {
    Mode.TEXT: 0,
    Mode.IMAGE: 1,
    Mode.INPAINT: 2,  # the picture, and a mask that is white where it is painted anew
    Mode.BLEND: 2,  # at least: see `takes`
    Mode.UPSCALE: 1,  # half as wide and half as high as the request
}


MAX_BLENDED = 4


def takes(mode: Mode, number: int) -> bool:
    """Whether so many input pictures are right: as in `INPUTS`, a blend up to MAX_BLENDED."""
    most = MAX_BLENDED if mode is Mode.BLEND else INPUTS[mode]
    return INPUTS[mode] <= number <= most
