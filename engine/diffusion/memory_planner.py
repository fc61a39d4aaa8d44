"""Choose the memory plan for each picture, and a smaller one if memory still runs out."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

import torch

from engine.diffusion import machine, memory_plans
from engine.diffusion.families import Family
from engine.diffusion.faults import is_memory
from engine.diffusion.memory_plans import Choice, Machine, MemoryPlan, Shape
from engine.diffusion.nvidia_driver import read_driver
from engine.diffusion.residency import Residency
from engine.diffusion.tiles import tile_cover
from engine.errors import OutOfMemory
from engine.settings import AUTO, EngineSettings
from engine.types import ImageRequest, Mode

_HOLDERS: Final = 3
"""How many other programs an error names, the largest first. Chosen by hand."""


class Planner:
    """Chooses plans, and remembers which were too large for as long as the renderer lives."""

    def __init__(self, settings: EngineSettings, family: Family, device: torch.device) -> None:
        self._family = family
        self._device = device
        self._wanted = (
            None if settings.memory_plan == AUTO else MemoryPlan.parse(settings.memory_plan)
        )
        self._allow_quantized = settings.allow_quantized
        self._reserve_bytes = settings.reserve_bytes if device.type == "cuda" else 0
        self._backoff = memory_plans.Backoff()
        self._products_failed = False

    def choose(self, residency: Residency, request: ImageRequest, adapter_bytes: int = 0) -> Choice:
        """Return the fastest plan that fits the memory that is free now.

        adapter_bytes: that the request's LoRAs take of the device.
        """
        there = self._machine(residency)
        return memory_plans.choose(
            residency.sizes,
            there,
            _shape(request, self._family, adapter_bytes),
            wanted=self._wanted,
            allow_quantized=self._allow_quantized,
            reserve_bytes=self._reserve_bytes,
            limit_bytes=self._backoff.limit_bytes(there.free_bytes),
            current=residency.plan,
        )

    def succeeded(self) -> None:
        """Note that a picture was painted: after some, larger plans are tried again."""
        self._backoff.succeeded()

    def without_products(self) -> None:
        """Never again choose a plan with products in int8: the device does not compute them."""
        self._products_failed = True

    def smaller(
        self,
        residency: Residency,
        choice: Choice,
        request: ImageRequest,
        error: OutOfMemory,
        adapter_bytes: int = 0,
    ) -> Choice:
        """Return the next plan after one that ran out of memory. Raises `error` after the last."""
        there, shape = self._machine(residency), _shape(request, self._family, adapter_bytes)
        self._backoff.failed(choice.estimate.peak_bytes, there.free_bytes)
        plan = memory_plans.retreat(
            choice.plan, residency.sizes, there, shape, allow_quantized=self._allow_quantized
        )
        if plan is None:
            raise error
        price = memory_plans.estimate(plan, residency.sizes, there, shape)
        return Choice(plan, price, f"{choice.plan}: {error}", ())

    def explained(self, error: OutOfMemory) -> OutOfMemory:
        """Return the error with who else holds the device's memory, and what can be changed.

        Asks the driver, for seconds at most; only where nothing else is left to try.
        """
        held: dict[str, int] = {}
        driver = read_driver() if self._device.type == "cuda" else None
        for card in driver.cards if driver is not None else ():
            for each in card.processes:
                if each.pid != os.getpid():
                    held[each.name] = held.get(each.name, 0) + each.used_bytes
        largest = sorted(held.items(), key=lambda one: -one[1])[:_HOLDERS]
        changes = ["close other programs"]
        if self._wanted is not None:
            changes.append('set memory = "auto" under [engine]')
        if not self._allow_quantized:
            changes.append("set allow_quantized = true under [engine]")
        advice = ", or ".join([*changes, "paint smaller pictures"])
        return OutOfMemory(
            error.allocated_bytes,
            error.reserved_bytes,
            error.free_bytes,
            error.needed_bytes,
            largest,
            advice,
        )

    def _machine(self, residency: Residency) -> Machine:
        held, exact = residency.host_bytes, not self._family.bfloat16
        try:
            there = machine.read(self._device, host_held_bytes=held, float32_only=exact)
        except Exception as error:
            if not is_memory(error):
                raise
            # No room even for measuring: assume slow speeds now, and measure the next time there is
            # room.
            there = machine.read(
                self._device, host_held_bytes=held, speeds=machine.cautious, float32_only=exact
            )
        return replace(there, int8_units=there.int8_units and not self._products_failed)


def _shape(request: ImageRequest, family: Family, adapter_bytes: int) -> Shape:
    """Return what the device computes at once: an enlarged picture is painted tile by tile."""
    size, steps = (request.width_px, request.height_px), request.forwards
    if request.mode is Mode.UPSCALE and max(size) > family.native_side_px:
        cover = tile_cover(size, family)
        size, steps = (cover[0].width_px, cover[0].height_px), steps * len(cover)
    return Shape(*size, steps, guided=request.guidance > 1.0, adapter_bytes=adapter_bytes)
