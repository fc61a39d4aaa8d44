"""Finds pictures that must not be delivered: not-a-number and blank ones."""

from __future__ import annotations

import torch

from engine.errors import BlankPicture, NonFinite

BLANK_SPREAD = 1.0
"""Standard deviation, in 0..255, under which a picture counts as blank: a rounding step."""


def check_finite(tensor: torch.Tensor, stage: str) -> None:
    """Raise NonFinite if anything in `tensor` is NaN or infinite."""
    if not bool(torch.isfinite(tensor).all()):
        raise NonFinite(stage)


def check_not_blank(pixels: torch.Tensor) -> None:
    """Raise BlankPicture for one flat colour. pixels: uint8, height × width × 3."""
    spread = float(pixels.flatten(0, 1).float().std(dim=0, correction=0).max())
    if spread < BLANK_SPREAD:
        raise BlankPicture(spread)
