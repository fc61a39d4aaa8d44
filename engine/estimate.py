"""Estimate how long painting will take from how long it took. Pure but for what it remembers."""

from __future__ import annotations

import statistics
from collections import deque

from engine.types import ImageRequest


class Estimator:
    """The median speed of the last pictures, in seconds per megapixel-step.

    The median ignores the first picture after loading, which is always slow. remembered: how many
    pictures count; 16 was chosen by hand.
    """

    def __init__(self, remembered: int = 16) -> None:
        self._speeds: deque[float] = deque(maxlen=remembered)

    def record(self, request: ImageRequest, duration_s: float) -> None:
        """Learn from a finished picture."""
        if request.work > 0 and duration_s >= 0:
            self._speeds.append(duration_s / request.work)

    def seconds(self, work: float) -> float | None:
        """Return the expected seconds for `work` megapixel-steps; None before the first picture."""
        return statistics.median(self._speeds) * work if self._speeds else None
