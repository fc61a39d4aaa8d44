"""What pictures count as, by pixels and steps."""

from dataclasses import replace

import pytest

from bot.request.weights import MAX_WEIGHT, picture_weight
from engine.diffusion.families import FAMILIES, Family
from engine.types import ImageRequest

FAMILY = next(each for each in FAMILIES if each.name == "z-image-turbo")


def usual(family: Family) -> ImageRequest:
    side = family.native_side_px
    return ImageRequest("x", "x", "", 1, side, side, family.default_steps, 1.0)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda each: each.name)
def test_a_usual_picture_is_one(family: Family) -> None:
    """A picture of the model's usual size and steps counts as one, for every model."""
    assert picture_weight(usual(family), family) == 1


@pytest.mark.parametrize(
    ("width_px", "height_px", "steps", "weight"),
    [
        (2048, 2048, 8, 4),
        (2048, 1024, 8, 2),
        (1024, 1024, 16, 2),
        (2048, 2048, 24, 12),
        (1024, 1024, 11, 1),
        (1024, 1024, 12, 2),
        (64, 64, 1, 1),
        (65_536, 65_536, 50, MAX_WEIGHT),
    ],
)
def test_it_grows_with_pixels_and_steps(
    width_px: int, height_px: int, steps: int, weight: int
) -> None:
    """The weight is the product of both, rounded, and never less than one."""
    request = replace(usual(FAMILY), width_px=width_px, height_px=height_px, steps=steps)
    assert picture_weight(request, FAMILY) == weight
