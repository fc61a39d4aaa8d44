"""The real renderer with the model's full architecture and random weights, without a file."""

from __future__ import annotations

import contextlib
import functools
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from engine.compilation import OFF
from engine.diffusion.benchmarks.random_model import FULL, TINY, Architecture, build, component
from engine.diffusion.compilation.compiled_blocks import CompiledBlocks
from engine.diffusion.devices import pick_dtype
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.diffusion.footprint import MemoryPlan, Placement, Shape, Sizes, estimate
from engine.diffusion.guard import Finiteness
from engine.diffusion.loading import Loaded
from engine.diffusion.model import Model
from engine.diffusion.renderer import DiffusionRenderer
from engine.diffusion.residency import Residency, from_pipeline
from engine.errors import Defunct
from engine.settings import AUTO, EngineSettings
from tests.engine.diffusion.cards import rtx_4090
from tests.scale.devices import Card

__all__ = ["FULL", "TINY", "Architecture", "Setup", "build", "load", "resident_bytes", "sizes"]

_HOST: Final = torch.device("cpu")


def load(architecture: Architecture, dtype: torch.dtype) -> Loaded:
    """Build the pipeline on the host, as the renderer loads one; each call builds it anew."""
    folder = Path(f"{architecture.name}-without-a-folder")
    return Loaded(build(architecture, dtype, _HOST), "random", folder, dtype, Z_IMAGE_TURBO)


def sizes(architecture: Architecture, dtype: torch.dtype) -> Sizes:
    """Return the sizes of its components, without allocating them."""
    return from_pipeline(build(architecture, dtype, torch.device("meta")), Z_IMAGE_TURBO)


def resident_bytes(found: Sizes, shape: Shape) -> int:
    """Return the memory that a card needs to keep everything resident, by the estimate."""
    return estimate(MemoryPlan(Placement.RESIDENT), found, rtx_4090(), shape).peak_bytes


class _Painter(DiffusionRenderer):
    """The real renderer; components are built again instead of reloaded from a folder."""

    def __init__(
        self, settings: EngineSettings, device: torch.device, architecture: Architecture
    ) -> None:
        self._architecture = architecture
        threads = torch.get_num_threads()
        super().__init__(settings, device, threads, lambda: load(architecture, pick_dtype(device)))

    def _loaded(self) -> Model:
        loaded = self._load()
        again = functools.partial(component, self._architecture, dtype=loaded.dtype, device=_HOST)
        residency = Residency(
            loaded.pipeline,
            self._device,
            loaded.family,
            reload_transformer=lambda: again("transformer"),
            reload_encoder=lambda: again("text_encoder"),
        )
        compiled = CompiledBlocks(OFF, loaded.family, self._device, None)
        return Model(loaded, residency, self._device, None, compiled)


@dataclass(frozen=True, slots=True)
class Setup:
    """The picture, and the device. repeats: pictures after the first."""

    card: Card
    architecture: Architecture
    shape: Shape
    repeats: int = 3

    @contextlib.contextmanager
    def painter(
        self, plan: str = AUTO, *, allow_quantized: bool = False
    ) -> Iterator[DiffusionRenderer]:
        """The real renderer with new weights; afterwards the device is as it was."""
        device, name = self.card.device, f"{self.architecture.name}-without-a-folder"
        settings = EngineSettings(model=name, memory_plan=plan, allow_quantized=allow_quantized)
        made, lost = None, False
        try:
            made = _Painter(settings, device, self.architecture)
            yield made
        except Defunct:
            lost = True  # any further call to the device would only hide this error
            raise
        finally:
            if made is not None and not lost:
                made.close()
            made = None
            if not lost:
                self.card.clear()

    def finiteness_s(self, times: int = 100) -> float:
        """Return how long a check of latents for finiteness takes, with the wait for it."""
        size = (self.shape.height_px // 8, self.shape.width_px // 8)
        latents = torch.zeros(1, 16, *size, device=self.card.device)
        taken_s: list[float] = []
        for _ in range(times):
            self.card.finish()
            began_s = time.perf_counter()
            assert Finiteness(latents).read()
            taken_s.append(time.perf_counter() - began_s)
        return statistics.median(taken_s)
