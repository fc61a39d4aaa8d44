"""Noise levels: from how much of a picture is kept to where painting begins. Pure."""

from __future__ import annotations

import math

SHIFT = 3.0
"""The static shift of the family's flow-matching scheduler."""


def unshifted(sigma: float, shift: float = SHIFT) -> float:
    """The scheduler's own number, 0..1, for the noise level σ that it turns into.

    The inverse of σ = shift·s / (1 + (shift − 1)·s).
    """
    return sigma / (shift - (shift - 1) * sigma)


def steps_from(sigma: float, steps: int) -> int:
    """How many of `steps` remain of a run that begins at noise level σ: at least one."""
    # Not one more for a rounding error: .75 of 8 steps are 6.
    return max(1, math.ceil(steps * unshifted(sigma) - 1e-9))


def levels_from(sigma: float, steps: int, shift: float = SHIFT) -> list[float]:
    """Unshifted noise levels of a run that begins at σ, evenly spaced, without the last 0.

    At σ = 1 they are the pipeline's own: 1, (n−1)/n … 1/n.
    """
    count = steps_from(sigma, steps)
    start = unshifted(sigma, shift)
    return [start * (count - step) / count for step in range(count)]
