"""The work that is compared, and the cores that it may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import psutil

SIDE: Final = 256
"""Of the square picture, px."""
STEPS: Final = 8
PROMPTS: Final = (
    "a red house in the snow",
    "a mountain lake at dawn",
    "a white cat beside a blue car",
    "a lighthouse by the sea at night",
)
"""Read in turn, so that no picture is painted from what was read for the one before."""


def available_cores() -> list[int]:
    """Return the numbers of the cores that this process may use; none where no system says."""
    process = psutil.Process()
    return sorted(process.cpu_affinity() or ()) if hasattr(process, "cpu_affinity") else []


def keep_to(cores: Sequence[int]) -> None:
    """Keep this process to these cores, and all threads and processes that it will start.

    Nothing changes if there are none, or where no system can (macOS).
    """
    process = psutil.Process()
    if cores and hasattr(process, "cpu_affinity"):
        process.cpu_affinity(list(cores))
