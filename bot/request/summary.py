"""Summarise a request by the settings that differ from the model's defaults. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.request.notes import StyleIgnored
from engine.diffusion.families import Family, Speed
from engine.loras import LoraUse
from engine.prompts import PictureStyle
from engine.sizing import ASPECTS, parse_aspect, size_for_aspect
from engine.types import ImageRequest


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """The settings of a request that differ from the model's defaults.

    shape: "16:9", or "1024×768" if it is not one of the offered ratios; "" for the model's own
    square. steps: 0 = the default. speed: the name of that number of steps, if it has one.
    guidance: None = the default. model: its name, "" where there is no other.
    """

    pictures: int = 1
    shape: str = ""
    style: PictureStyle | None = None
    steps: int = 0
    speed: Speed | None = None
    guidance: float | None = None
    loras: tuple[LoraUse, ...] = ()
    model: str = ""


DEFAULTS = RequestSummary()
"""One picture with the model's own settings."""


def summarize(
    request: ImageRequest, pictures: int, family: Family, notes: tuple[object, ...] = ()
) -> RequestSummary:
    """Summarise a request for this many pictures. A style that `notes` says was ignored is left
    out."""
    style_ignored = any(isinstance(each, StyleIgnored) for each in notes)
    steps = 0 if request.steps == family.default_steps else request.steps
    return RequestSummary(
        pictures=pictures,
        shape=_shape(request.width_px, request.height_px, family),
        style=None if style_ignored else request.style,
        loras=request.loras,
        model=request.model,
        steps=steps,
        speed=next((name for name, each in family.speeds.items() if each == steps), None),
        guidance=None
        if request.guidance == family.guidance_at(request.steps)
        else request.guidance,
    )


def _shape(width_px: int, height_px: int, family: Family) -> str:
    if width_px == height_px == family.native_side_px:
        return ""
    for ratio in ASPECTS:
        if size_for_aspect(*parse_aspect(ratio), family.budget_px) == (width_px, height_px):
            return ratio
    return f"{width_px}×{height_px}"
