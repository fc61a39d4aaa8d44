"""From settings to something that paints, without importing torch before it is needed."""

from __future__ import annotations

import gc
import os
import sys

from engine.renderer import Renderer, RendererFactory
from engine.settings import EngineSettings

SPIN_COUNT = "10000"


def diffusion_factory(settings: EngineSettings) -> RendererFactory:
    """A factory whose call (on the executor thread) imports torch and loads the model.

    The call raises ModelUnavailable; nothing is imported before.
    """

    def load() -> Renderer:
        # Read when torch is loaded. Threads that wait for each other by spinning for long starve
        # beside anything else on a small machine; those that never spin are slow on a quiet one.
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
        first = "engine.diffusion.renderer" not in sys.modules
        # Seconds of import time: they belong to the executor thread, not to start-up.
        from engine.diffusion.renderer import DiffusionRenderer

        if first:
            # What libraries define lives as long as the process. Looking through it all for
            # garbage took a quarter of a second each time, while every thread waits. Before the
            # model is loaded, which can be dropped again.
            gc.freeze()
        return DiffusionRenderer.load(settings)

    return load
