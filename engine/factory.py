"""From settings to something that paints, without importing torch before it is needed."""

from __future__ import annotations

from engine.renderer import Renderer, RendererFactory
from engine.settings import EngineSettings


def diffusion_factory(settings: EngineSettings) -> RendererFactory:
    """A factory whose call (on the executor thread) imports torch and loads the model.

    The call raises ModelUnavailable; nothing is imported before.
    """

    def load() -> Renderer:
        # Seconds of import time: they belong to the executor thread, not to start-up.
        from engine.diffusion.renderer import DiffusionRenderer

        return DiffusionRenderer.load(settings)

    return load
