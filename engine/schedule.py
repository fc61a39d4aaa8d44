"""Noise levels: from how much of a picture is kept to where painting begins. Pure."""

from __future__ import annotations

import math

SHIFT = 3.0
"""The static shift of Z-Image-Turbo's flow-matching scheduler, from its published configuration.

steps_from uses it for every family, and `sketch` is trained with it.
"""


def unshifted(sigma: float, shift: float = SHIFT) -> float:
    """Return the scheduler's unshifted number, 0..1, that becomes the noise level σ.

    The inverse of σ = shift·s / (1 + (shift − 1)·s).
    """
    return sigma / (shift - (shift - 1) * sigma)


def steps_from(sigma: float, steps: int) -> int:
    """Return how many of `steps` remain of a run that begins at noise level σ: at least one."""
    # No extra step for a rounding error: .75 of 8 steps are 6.
    return max(1, math.ceil(steps * unshifted(sigma) - 1e-9))


def levels_from(sigma: float, steps: int, shift: float = SHIFT) -> list[float]:
    """Return the unshifted noise levels from σ on, evenly spaced, without the last 0.

    At σ = 1 they are the pipeline's own: 1, (n−1)/n … 1/n.
    """
    count = steps_from(sigma, steps)
    start = unshifted(sigma, shift)
    return [start * (count - step) / count for step in range(count)]
