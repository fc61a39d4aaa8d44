"""Broken pictures are found, and honest dull ones are not."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.guard import check_finite, check_not_blank
from engine.errors import BlankPicture, NonFinite


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_broken_number_is_enough(value: float, dtype: torch.dtype) -> None:
    """A single NaN or infinity anywhere is found, and named with its stage."""
    latents = torch.zeros(1, 16, 8, 8, dtype=dtype)
    latents[0, 9, 3, 5] = value
    with pytest.raises(NonFinite) as caught:
        check_finite(latents, "step 3")
    assert caught.value.stage == "step 3"


def test_large_numbers_are_finite() -> None:
    """The largest numbers of a format are no infinity."""
    check_finite(torch.full((4,), torch.finfo(torch.float32).max), "step 1")
    check_finite(torch.full((4,), torch.finfo(torch.bfloat16).min, dtype=torch.bfloat16), "step 1")


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_one_flat_colour_is_blank(colour: tuple[int, int, int]) -> None:
    """Black, white and any other single colour is a blank picture."""
    with pytest.raises(BlankPicture) as caught:
        check_not_blank(torch.tensor(colour, dtype=torch.uint8).expand(32, 48, 3))
    assert caught.value.spread == 0.0


def test_rounding_noise_is_blank() -> None:
    """A flat colour that flickers by one step is blank still."""
    noise = torch.randint(127, 129, (64, 64, 3), generator=torch.manual_seed(1), dtype=torch.uint8)
    with pytest.raises(BlankPicture):
        check_not_blank(noise)


def test_dull_pictures_pass() -> None:
    """Fog and a small boat on a black night are pictures."""
    fog = torch.linspace(120, 126, 64).to(torch.uint8)[:, None, None].expand(64, 64, 3)
    check_not_blank(fog)
    night = torch.zeros(64, 64, 3, dtype=torch.uint8)
    night[30:34, 30:34, 0] = 255
    check_not_blank(night)
