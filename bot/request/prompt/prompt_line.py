"""The line of prompt and flags to copy under a picture: /imagine always accepts it. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request.bounds import MAX_REFINE
from bot.request.params import MAX_LINE_CHARS
from bot.request.prompt.flag_line import flag_line
from bot.request.sizes import UPSCALE_FACTOR, size_problem
from engine.diffusion.families import Family
from engine.prompts import MAX_PROMPT_CHARS, EnhancementLevel
from engine.sizing import size_for_aspect
from engine.types import ImageRequest, Mode


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A line to copy.

    adjusted: it has other settings than the picture, because the model in use cannot paint these.
    """

    text: str
    adjusted: bool = False


def prompt_line(
    request: ImageRequest, family: Family, *, refuse_styles: bool = False
) -> PromptLine:
    """Return the line that comes closest to a picture among those that this family paints.

    It names no source images and no variations, since no flag can. An enlarged picture has the size
    that it had before. Settings out of the family's bounds, of a picture by another model, are
    moved to the nearest ones within. refuse_styles: as for `flag_line`.
    """
    before = dataclasses.replace(
        request, mode=Mode.TEXT, inputs=(), strength=1.0, variations=(), **_size_before(request)
    )
    fitting = dataclasses.replace(
        before,
        prompt=before.prompt[:MAX_PROMPT_CHARS],
        negative_prompt=_negative(before, family),
        steps=min(before.steps, family.max_steps),
        guidance=min(max(before.guidance, 1.0), family.max_guidance),
        refine=min(before.refine, MAX_REFINE),
        expand=before.expand and EnhancementLevel.SMART in family.levels,
        **_fitting_size(before, family),
    )
    without = dataclasses.replace(fitting, negative_prompt=before.negative_prompt)
    line = flag_line(fitting, refuse_styles=refuse_styles)
    if len(line) > MAX_LINE_CHARS:
        line = flag_line(
            dataclasses.replace(fitting, negative_prompt=""), refuse_styles=refuse_styles
        )
    return PromptLine(line, adjusted=without != before)


def _size_before(request: ImageRequest) -> dict[str, int]:
    """Return the size before enlarging, as far as the request alone tells."""
    factor = UPSCALE_FACTOR if request.mode is Mode.UPSCALE else 1
    sides = (request.width_px, request.height_px)
    width_px, height_px = (max(1, side_px // factor) for side_px in sides)
    return {"width_px": width_px, "height_px": height_px}


def _negative(request: ImageRequest, family: Family) -> str:
    """Return the negative prompt where it has an effect."""
    works = family.pipeline_guidance(min(request.guidance, family.max_guidance)) > 0
    return request.negative_prompt[:MAX_PROMPT_CHARS] if works else ""


def _fitting_size(request: ImageRequest, family: Family) -> dict[str, int]:
    """Return the request's size, or one of nearly the same shape that the family paints."""
    size = (request.width_px, request.height_px)
    if size_problem(*size, family) is not None:
        longest = int(family.max_ratio * min(size))
        size = size_for_aspect(min(size[0], longest), min(size[1], longest), family.budget_px)
    if size_problem(*size, family) is not None:
        size = (family.native_side_px, family.native_side_px)
    return {"width_px": size[0], "height_px": size[1]}
