"""What is particular about a wish: all that differs from what the model does by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.request.notes import StyleIgnored
from engine.diffusion.families import Family, Speed
from engine.prompts import PictureStyle
from engine.sizing import ASPECTS, parse_aspect, size_for_aspect
from engine.types import ImageRequest


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """shape: "16:9", or "1024×768" where no usual one fits; "" for the model's own square.

    steps: 0 = as many as usual; speed: their name, if they have one. guidance: None = the usual.
    """

    pictures: int = 1
    shape: str = ""
    style: PictureStyle | None = None
    steps: int = 0
    speed: Speed | None = None
    guidance: float | None = None


DEFAULTS = RequestSummary()
"""One picture as the model paints it by itself."""


def summarize(
    request: ImageRequest, pictures: int, family: Family, notes: tuple[object, ...] = ()
) -> RequestSummary:
    """Of a request for so many pictures. notes: the remarks on it; a style left out is none."""
    left = any(isinstance(each, StyleIgnored) for each in notes)
    steps = 0 if request.steps == family.default_steps else request.steps
    return RequestSummary(
        pictures=pictures,
        shape=_shape(request.width_px, request.height_px, family),
        style=None if left else request.style,
        steps=steps,
        speed=next((name for name, each in family.speeds.items() if each == steps), None),
        guidance=None if request.guidance == family.default_guidance else request.guidance,
    )


def _shape(width_px: int, height_px: int, family: Family) -> str:
    if width_px == height_px == family.native_side_px:
        return ""
    for ratio in ASPECTS:
        if size_for_aspect(*parse_aspect(ratio), family.budget_px) == (width_px, height_px):
            return ratio
    return f"{width_px}×{height_px}"
