"""Picks the memory plan for each picture, and a smaller one when memory runs out all the same."""

from __future__ import annotations

import torch

from engine.diffusion import machine, memory
from engine.diffusion.memory import Choice, Machine, Plan, Shape
from engine.diffusion.residency import Residency
from engine.errors import OutOfMemory
from engine.settings import AUTO, EngineSettings
from engine.types import ImageRequest


class Planner:
    """Remembers what was too much, for as long as the painter lives."""

    def __init__(self, settings: EngineSettings, device: torch.device) -> None:
        self._device = device
        self._wanted = None if settings.memory_plan == AUTO else Plan.parse(settings.memory_plan)
        self._allow_quantized = settings.allow_quantized
        self._reserve_bytes = settings.reserve_bytes if device.type == "cuda" else 0
        self._backoff = memory.Backoff()

    def choose(self, residency: Residency, request: ImageRequest) -> Choice:
        """The fastest plan that fits what is free now."""
        there = self._machine(residency)
        return memory.choose(
            residency.sizes,
            there,
            _shape(request),
            wanted=self._wanted,
            allow_quantized=self._allow_quantized,
            reserve_bytes=self._reserve_bytes,
            limit_bytes=self._backoff.limit_bytes(there.free_bytes),
            current=residency.plan,
        )

    def succeeded(self) -> None:
        """Note that a picture was painted: after some, what was too much is tried again."""
        self._backoff.succeeded()

    def smaller(
        self, residency: Residency, choice: Choice, request: ImageRequest, error: OutOfMemory
    ) -> Choice:
        """The next plan after one that ran out of memory. Raises `error` after the last."""
        there, shape = self._machine(residency), _shape(request)
        self._backoff.failed(choice.estimate.peak_bytes, there.free_bytes)
        plan = memory.retreat(
            choice.plan, residency.sizes, there, shape, allow_quantized=self._allow_quantized
        )
        if plan is None:
            raise error
        price = memory.estimate(plan, residency.sizes, there, shape)
        return Choice(plan, price, f"{choice.plan}: {error}", ())

    def _machine(self, residency: Residency) -> Machine:
        return machine.read(self._device, host_held_bytes=residency.host_bytes)


def _shape(request: ImageRequest) -> Shape:
    guided = request.guidance > 1.0
    return Shape(request.width_px, request.height_px, request.forwards, guided=guided)


def is_memory(error: Exception) -> bool:
    """Whether memory ran out, on the device or on the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


_SIGNS = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "can't allocate memory",
)
"""Libraries below torch say it as plain errors; the process goes on after them."""
