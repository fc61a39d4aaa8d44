"""Whether a model's blocks are compiled on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from engine.compilation import OFF, Compilation, CompilationState, Obstacle, compiler
from engine.diffusion.compilation.structure import unlike, values_of
from engine.diffusion.machine import memory_use
from engine.settings import AUTO

LEAST_VALUES: Final = 10_000_000
"""Weights of a block from which on compiling is tried on a processor. Chosen by hand between the
demo model's 0.4 million, whose pictures take seconds, and Z-Image-Turbo's 181 million."""
SPARE_BYTES: Final = 2**30
"""Free memory of a GPU that another process needs to compile for it: its own context. By NVIDIA's
documents that takes some hundred MiB; it was not measured here."""


def obstacle(
    wanted: str, device: torch.device, blocks: Sequence[Any], cache_dir: Path | None
) -> Compilation | None:
    """Return why blocks are not compiled; None if they are to be.

    wanted: one of the values of the setting. cache_dir: None where nothing may be kept.
    """
    if wanted == OFF:
        return Compilation(CompilationState.OFF)
    found = unlike(blocks)
    if found is None and cache_dir is None:
        found = Obstacle.NO_CACHE
    if found is None and device.type not in ("cpu", "cuda"):
        found = Obstacle.UNTRIED
    if found is None and wanted == AUTO:
        if device.type == "cpu" and values_of(blocks[0]) < LEAST_VALUES:
            found = Obstacle.SMALL
        elif sys.platform == "win32":
            found = Obstacle.UNTRIED
    if found is None and compiler() is None:
        found = Obstacle.NO_COMPILER
    return None if found is None else Compilation(CompilationState.UNSUITED, found)


def has_room(device: torch.device) -> bool:
    """Whether the device has room for the process that compiles."""
    if device.type != "cuda":
        return True
    use = memory_use(device)
    return use.total_bytes - use.used_bytes >= SPARE_BYTES
