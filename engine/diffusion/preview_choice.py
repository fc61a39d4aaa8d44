"""Choose the best available method for the previews of a picture; they never delay it."""

from __future__ import annotations

import threading
from pathlib import Path

import torch

from engine.diffusion.faults import is_sticky
from engine.diffusion.loading import Loaded
from engine.diffusion.previews import PreviewMap, bootstrap, tiny_decoder
from engine.diffusion.sampling import Step
from engine.types import Raster


class Previews:
    """Shows what a step's clean latents will become.

    Uses a tiny autoencoder where one is installed, else the linear map that was learned from
    finished pictures, else the model's own autoencoder. cache_dir: keeps what was learned, one file
    per model; None = nowhere.
    """

    def __init__(self, loaded: Loaded, device: torch.device, cache_dir: Path | None) -> None:
        self._vae = loaded.pipeline.vae
        self._device = device
        self._family = loaded.family
        channels = self._vae.config.latent_channels
        self._file = None if cache_dir is None else cache_dir / f"preview-{loaded.revision}.json"
        self._map = PreviewMap.load(self._file, loaded.revision, channels)
        self._tiny = tiny_decoder(loaded.family, loaded.folder, device, channels=channels)

    def of(self, step: Step) -> Raster | None:
        """Return a small picture, or None; a failing preview never costs the picture."""
        try:
            return self._made(step.clean())
        except Exception as error:
            if is_sticky(error):
                raise
            return None

    def _made(self, clean: torch.Tensor) -> Raster | None:
        if self._tiny is not None:
            return self._tiny(clean)
        if self._map.ready:
            return self._map.render(clean)
        if next(self._vae.parameters()).device.type != self._device.type:
            return None  # offloaded: it would push the transformer out
        return bootstrap(self._family, self._vae, clean)

    def learn(self, finished: torch.Tensor, pixels: torch.Tensor) -> None:
        """Learn from a finished picture: its clean latents and its pixels."""
        try:
            learned = self._map.learn(finished, pixels)
        except Exception as error:
            if is_sticky(error):
                raise
            return
        if learned and self._file is not None:
            # On another thread: the next picture does not wait for a disk.
            threading.Thread(target=self._map.save, args=(self._file,), daemon=True).start()
