"""Turn settings into a renderer, without importing torch before it is needed."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from engine.allocator import keep_freed
from engine.renderer import Renderer, RendererFactory
from engine.settings import EngineSettings

SPIN_COUNT = "10000"
"""Spins of an OpenMP thread before it sleeps. Chosen by hand between two extremes that were both
worse: see `diffusion_factory`."""


def diffusion_factory(
    settings: EngineSettings, others: Sequence[EngineSettings] = ()
) -> RendererFactory:
    """Return a factory whose call (on the executor thread) imports torch and loads the model.

    others: models that have to be usable too, as far as their files tell without being loaded;
    those that may be are fetched. The call raises ModelUnavailable; nothing is imported before.
    """
    keep_freed()  # here, because the executor's thread has its own memory otherwise

    def load() -> Renderer:
        # Read when torch is loaded. Threads that spin for long while they wait for each other
        # starve on a small machine with other work; threads that never spin are slow on a quiet
        # one.
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
        first = "engine.diffusion.renderer" not in sys.modules
        # The import takes seconds: that time belongs to the executor thread, not to start-up.
        from engine.diffusion.renderer import DiffusionRenderer, check_source

        if first:
            # Objects that libraries define live as long as the process. Each full garbage
            # collection took a quarter of a second to walk them, while every thread waited. This
            # runs before the model is loaded, because the model can be dropped again.
            gc.freeze()
        for each in others:
            check_source(each)
        return DiffusionRenderer.load(settings)

    return load
