"""Estimate how long painting will take from how long it took. Pure but for what it remembers."""

from __future__ import annotations

import statistics
from collections import deque

from engine.types import ImageRequest


class Estimator:
    """The median speed of each model's last pictures, in seconds per megapixel-step.

    The median ignores the first picture after loading, which is always slow. remembered: how many
    pictures of a model count; 16 was chosen by hand. default: the model that "" stands for.
    """

    def __init__(self, remembered: int = 16, default: str = "") -> None:
        self._remembered = remembered
        self._default = default
        self._speeds: dict[str, deque[float]] = {}
        self._medians: dict[str, float] = {}  # asked for much more often than they change

    def record(self, request: ImageRequest, duration_s: float) -> None:
        """Learn from a finished picture."""
        if request.work > 0 and duration_s >= 0:
            model = request.model or self._default
            speeds = self._speeds.setdefault(model, deque(maxlen=self._remembered))
            speeds.append(duration_s / request.work)
            self._medians[model] = statistics.median(speeds)

    def seconds(self, work: float, model: str = "") -> float | None:
        """Return the expected seconds for `work` megapixel-steps; None before the model's first
        picture."""
        median = self._medians.get(model or self._default)
        return None if median is None else median * work
