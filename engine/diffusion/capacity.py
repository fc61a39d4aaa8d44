"""Choose the number format of a model's weights, and refuse a model that memory cannot hold.

Both happen before any weight is read: a process that takes too much of the host's memory is killed
by the kernel, which leaves no error to explain.
"""

from __future__ import annotations

import psutil
import torch

from engine.diffusion import machine
from engine.diffusion.devices import computes_bfloat16, pick_dtype, pick_products
from engine.diffusion.families import Family
from engine.diffusion.footprint import MemoryPlan, loading_bytes
from engine.errors import ModelTooLarge
from engine.settings import AUTO, EngineSettings

FULL_SIZE_WEIGHTS = 1_000_000_000
"""From this many weights on, the CPU computes in bfloat16 where it can: half the memory, and on
processors with units for it several times as fast. Smaller models stay in float32, which is exact
and fast enough for them. Chosen by hand between `sketch` (4 million) and Z-Image (10 billion)."""


def weights_dtype(device: torch.device, family: Family, weights: int) -> torch.dtype:
    """Return the number format for a model of this family with this many weights."""
    if not family.bfloat16:
        return torch.float32
    if device.type == "cpu" and weights >= FULL_SIZE_WEIGHTS and computes_bfloat16():
        return torch.bfloat16
    return pick_dtype(device)


def large_in_float16(settings: EngineSettings, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether a model's large matrices are loaded in float16 and all else in float32.

    On cards without bfloat16 that are fast in float16, unless the settings name a memory plan with
    the weights as they are; a model that is in float32 everywhere is small, and stays in it.
    """
    plan = None if settings.memory_plan == AUTO else MemoryPlan.parse(settings.memory_plan)
    exact = plan is not None and plan.exact
    return dtype is torch.float32 and pick_products(device) is torch.float16 and not exact


def require_memory(
    model: str,
    weights: int,
    dtype: torch.dtype,
    device: torch.device,
    weights_bytes: int | None = None,
) -> None:
    """Raise ModelTooLarge unless the host's free memory can hold the model.

    weights_bytes: of its weights, where some are in fewer bytes than `dtype` has.
    On a GPU the weights pass through the host once, so swap counts there; painting from swap would
    not end. In a container, its limit counts (see `machine.host_free_bytes`).
    """
    own_memory = device.type == "cuda"
    if weights_bytes is None:
        weights_bytes = weights * dtype.itemsize
    needed_bytes = loading_bytes(weights_bytes, own_memory=own_memory)
    free_bytes = machine.host_free_bytes()
    if own_memory:
        free_bytes += psutil.swap_memory().free
    if needed_bytes > free_bytes:
        raise ModelTooLarge(model, needed_bytes, free_bytes, str(dtype).removeprefix("torch."))
