"""Sizes of pictures: which ones a family paints, and which one a request means."""

from __future__ import annotations

from bot.request.outcomes import BadAspect, BadSize, Reason, SizeTooLarge
from bot.request.params import GenerationParams
from engine.diffusion.families import Family
from engine.sizing import GRID_PX, cut_share, offered, parse_aspect, ratio_fits, size_for_aspect
from engine.types import Mode

UPSCALE_FACTOR = 2
SNAPPING = 1.05
"""How far snapping to the grid of 16 pixels may stretch an aspect ratio. Chosen by hand."""
MAX_UNSAID_CUT = 0.05
"""The share of a source image that may be cut off without a word. Chosen by hand."""
_CLOSER = 2.0
"""How much more shape counts than area where a size cuts off too much: no shape that a family
paints loses 5 % then (measured over 4000 ratios for 256 and 1024 px; 7 % of some without it)."""


def size_problem(
    width_px: int, height_px: int, family: Family, mode: Mode = Mode.TEXT
) -> Reason | None:
    """Return why this size cannot be generated; None if it can."""
    factor = UPSCALE_FACTOR if mode is Mode.UPSCALE else 1
    sides = (width_px, height_px)
    fits = (
        all(side % (GRID_PX * factor) == 0 for side in sides)
        and min(sides) >= family.min_side_px
        and max(sides) <= family.max_side_px * factor
    )
    if not fits:
        max_side_px = family.max_side_px * factor
        return BadSize(width_px, height_px, family.min_side_px, max_side_px, GRID_PX * factor)
    if not ratio_fits(width_px, height_px, family.max_ratio * SNAPPING):
        return BadAspect(f"{width_px}:{height_px}", offered(family.max_ratio))
    if width_px * height_px > family.max_pixels * factor**2:
        advised = size_for_aspect(width_px, height_px, family.budget_px)
        return SizeTooLarge(width_px, height_px, *advised, mode is Mode.UPSCALE)
    return None


def size_for(
    params: GenerationParams, family: Family, source: tuple[int, int] | None = None
) -> tuple[int, int] | Reason:
    """Return (width_px, height_px) of the picture, or why it has none.

    source: the size of the source image, whose aspect ratio is the default.
    """
    if params.size is not None:
        mode = params.start.mode if params.start else Mode.TEXT
        return size_problem(*params.size, family, mode) or params.size
    if params.aspect is None and source is None:
        if params.pasted is not None and params.pasted.size is not None:
            return nearest_size(params.pasted.size, family)
        return family.native_side_px, family.native_side_px
    if params.aspect is None:
        assert source is not None
        return _size_like(source, family)
    try:
        ratio = parse_aspect(params.aspect)
    except ValueError:
        return BadAspect(params.aspect, offered(family.max_ratio))
    if not ratio_fits(*ratio, family.max_ratio):
        return BadAspect(params.aspect, offered(family.max_ratio))
    size = size_for_aspect(*ratio, family.budget_px)
    return size_problem(*size, family) or size


def nearest_size(size: tuple[int, int], family: Family) -> tuple[int, int]:
    """Return this size if it can be painted, else the nearest one of its aspect ratio."""
    if size_problem(*size, family) is None:
        return size
    ratio = _clamped(size, family.max_ratio)
    for budget_px in (min(size[0] * size[1], family.budget_px), family.budget_px):
        nearest = size_for_aspect(*ratio, budget_px)
        if size_problem(*nearest, family) is None:
            return nearest
    return family.native_side_px, family.native_side_px


def _size_like(source: tuple[int, int], family: Family) -> tuple[int, int]:
    """Return the size for a picture's aspect ratio; if much is cut off, the one that loses less."""
    ratio = _clamped(source, family.max_ratio)
    usual = size_for_aspect(*ratio, family.budget_px)
    if cut_share(source, usual) <= MAX_UNSAID_CUT:
        return usual
    closer = size_for_aspect(*ratio, family.budget_px, _CLOSER)
    return min(usual, closer, key=lambda size: cut_share(source, size))


def _clamped(source: tuple[int, int], max_ratio: float) -> tuple[int, int]:
    """Return the aspect ratio of a picture, or the nearest one that the model supports."""
    width, height = (1000 * side for side in source)  # for the rounding of small pictures
    longest = int(max_ratio * min(width, height))
    return min(width, longest), min(height, longest)
