"""What painting starts from, and how many input pictures that takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Mode(StrEnum):
    """What painting starts from; `INPUTS` says how many input pictures each mode takes."""

    TEXT = "text"
    IMAGE = "image"
    INPAINT = "inpaint"
    BLEND = "blend"
    UPSCALE = "upscale"


INPUTS: Mapping[Mode, int] = {
    Mode.TEXT: 0,
    Mode.IMAGE: 1,
    Mode.INPAINT: 2,  # the picture, and a mask that is white where it is repainted
    Mode.BLEND: 2,  # at least: see `takes`
    Mode.UPSCALE: 1,  # half as wide and half as high as the request
}


MAX_BLENDED = 4
"""The most pictures that can be blended. Chosen by hand."""


def takes(mode: Mode, number: int) -> bool:
    """Whether a mode takes `number` input pictures: as in `INPUTS`, a blend up to MAX_BLENDED."""
    most = MAX_BLENDED if mode is Mode.BLEND else INPUTS[mode]
    return INPUTS[mode] <= number <= most
