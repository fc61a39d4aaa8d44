"""What a result is: a variation, an upscaled picture, a remix, and of which other picture. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from bot.pictures.lineage import Parent
from engine.types import ImageRequest, Mode


class OriginKind(StrEnum):
    """How a picture was made from another one."""

    REPEAT = "repeat"
    REROLL = "reroll"
    VARIATION = "variation"
    UPSCALE = "upscale"
    REMIX = "remix"
    IMAGE = "image"
    INPAINT = "inpaint"
    BLEND = "blend"


_OF_MODE = {
    Mode.IMAGE: OriginKind.IMAGE,
    Mode.INPAINT: OriginKind.INPAINT,
    Mode.BLEND: OriginKind.BLEND,
    Mode.UPSCALE: OriginKind.UPSCALE,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """What a picture is, and of which.

    parent_id: None if it was made from a picture that somebody uploaded. amount: of a variation,
    above 0 and up to 1. sources: how many pictures it was made from.
    """

    kind: OriginKind
    parent_id: int | None = None
    amount: float = 0.0
    sources: int = 1


def origin_of(request: ImageRequest, parent: Parent | None) -> Origin | None:
    """Return what a job's result is; None for a picture made from words alone.

    request: as the job has it. parent: the picture that the job names as its start.
    """
    sources = max(1, len(request.inputs))
    if parent is None:
        kind = _OF_MODE.get(request.mode)
        return None if kind is None else Origin(kind, sources=sources)
    if _is_variation(request, parent.request):
        amount = request.variations[-1].amount
        return Origin(OriginKind.VARIATION, parent.picture_id, amount)
    return Origin(_kind(request, parent), parent.picture_id, sources=sources)


def _kind(request: ImageRequest, parent: Parent) -> OriginKind:
    original = parent.request
    if request == original and parent.recipe is not None:
        return OriginKind.REPEAT
    if _without_noise(request) == _without_noise(original):
        return OriginKind.REROLL
    if request.mode is Mode.UPSCALE and request.width_px > original.width_px:
        return OriginKind.UPSCALE
    # A remix keeps the source images of its original.
    if request.mode in _OF_MODE and request.inputs != original.inputs:
        return _OF_MODE[request.mode]
    return OriginKind.REMIX


def _is_variation(request: ImageRequest, original: ImageRequest) -> bool:
    further = len(request.variations) == len(original.variations) + 1
    return further and _without_noise(request) == _without_noise(original)


def _without_noise(request: ImageRequest) -> ImageRequest:
    """Return all of a request that rerolls and variations keep.

    The model may have written its effective prompt since the job was accepted.
    """
    return dataclasses.replace(request, seed=0, variations=(), effective_prompt="")
