"""Which parts of a model stay on the GPU. The decision is pure; `apply` carries it out."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

WORK_BYTES = 3 * 2**30
"""Room for activations and decoding at the native size, beside the weights."""


class Plan(StrEnum):
    """What is on the device at once: all weights, one component, or one layer."""

    RESIDENT = "resident"
    MODEL = "model-offload"
    SEQUENTIAL = "sequential-offload"


def choose(free_bytes: int | None, total_bytes: int, largest_bytes: int) -> Plan:
    """The fastest plan that fits.

    free_bytes: on the device, None where memory is shared with the host (CPU, Apple silicon).
    total_bytes: of all weights. largest_bytes: of the largest component.
    """
    if free_bytes is None or free_bytes >= total_bytes + WORK_BYTES:
        return Plan.RESIDENT
    if free_bytes >= largest_bytes + WORK_BYTES:
        return Plan.MODEL
    return Plan.SEQUENTIAL


def apply(pipeline: Any, plan: Plan, device: Any) -> None:
    """Put a loaded pipeline on `device` in the way the plan says."""
    if plan is Plan.RESIDENT:
        pipeline.to(device)
    elif plan is Plan.MODEL:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
