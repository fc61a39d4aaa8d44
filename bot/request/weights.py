"""How many pictures a large one counts as, on servers whose quotas weigh pictures."""

from __future__ import annotations

from typing import Final

from engine.diffusion.families import Family
from engine.types import ImageRequest

MAX_WEIGHT: Final = 1000
"""The most that one picture can count as. Chosen by hand."""


def picture_weight(request: ImageRequest, family: Family) -> int:
    """Return the picture's pixels × steps, in those of one of the model's usual size and steps.

    Rounded to whole pictures, and one at least.
    """
    usual = family.budget_px * family.default_steps
    work = request.width_px * request.height_px * request.forwards
    return max(1, min(MAX_WEIGHT, int(work / usual + 0.5)))
