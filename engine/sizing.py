"""Aspect ratios and sizes in pixels: multiples of 16 at a pixel budget. Pure."""

from __future__ import annotations

import math
import re

GRID_PX = 16
"""The transformer reads patches of 2 × 2 latents of 8 pixels: both sides are multiples of this."""

ASPECTS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "2:1", "1:2", "21:9", "9:21")
"""The aspect ratios offered by name, width first."""

_PAIR = re.compile(r"\s*(\d{1,5})\s*([:：xXｘＸ×*])\s*(\d{1,5})\s*")


def offered(max_ratio: float) -> tuple[str, ...]:
    """Return those of ASPECTS that are no longer than a family's longest."""
    return tuple(text for text in ASPECTS if ratio_fits(*parse_aspect(text), max_ratio))


def ratio_fits(width: int, height: int, max_ratio: float) -> bool:
    """Whether the longer side is at most `max_ratio` times the shorter one; 21:9 fits 21/9."""
    return max(width, height) <= max_ratio * min(width, height) * (1 + 1e-9)


def parse_aspect(text: str) -> tuple[int, int]:
    """Parse "16:9". Raises ValueError for anything else."""
    match = _PAIR.fullmatch(text)
    if not match or match[2] not in ":：":
        raise ValueError(f"{text!r} is not an aspect ratio like 16:9")
    width, height = int(match[1]), int(match[3])
    if not width or not height:
        raise ValueError(f"{text!r} is not an aspect ratio like 16:9")
    return width, height


def parse_size(text: str) -> tuple[int, int]:
    """Parse "1024x768" as (width_px, height_px). Raises ValueError for anything else."""
    match = _PAIR.fullmatch(text)
    if not match or match[2] in ":：":
        raise ValueError(f"{text!r} is not a size like 1024x768")
    return int(match[1]), int(match[3])


def size_for_aspect(
    width: int, height: int, budget_px: int, shape_weight: float = 1.0
) -> tuple[int, int]:
    """Return the size on the 16-pixel grid nearest to the ratio whose area is about `budget_px`.

    Of the grid points around the exact size, the one with the smallest error in shape and area
    together wins. shape_weight: how much more an error in shape counts.
    """
    if width < height:  # rounding must not depend on the orientation of a picture
        high, wide = size_for_aspect(height, width, budget_px, shape_weight)
        return wide, high
    ratio = width / height
    exact_width = math.sqrt(budget_px * ratio)
    exact_height = exact_width / ratio
    candidates = [
        (max(GRID_PX, w), max(GRID_PX, h))
        for w in _around(exact_width)
        for h in _around(exact_height)
    ]

    def badness(size: tuple[int, int]) -> tuple[float, float]:
        w, h = size
        shape = abs(math.log(w / h / ratio))
        area = abs(math.log(w * h / budget_px))
        return (shape_weight * shape + area, area)

    return min(candidates, key=badness)


def cut_share(source: tuple[int, int], size: tuple[int, int]) -> float:
    """Return how much of a picture is cut off, 0 to below 1, to fill another size.

    Both are (width, height), in any unit.
    """
    wide, high = source[0] * size[1], source[1] * size[0]
    return 1 - min(wide, high) / max(wide, high)


def _around(exact: float) -> tuple[int, int]:
    below = int(exact // GRID_PX) * GRID_PX
    return below, below + GRID_PX
