"""A loaded model, and everything that holds references to its components."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from engine.diffusion.compilation.compiled_blocks import CompiledBlocks
from engine.diffusion.embeddings import EmbeddingCache
from engine.diffusion.loading import Loaded
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.preview_choice import Previews
from engine.diffusion.prompt_expansion import Expander
from engine.diffusion.residency import Residency


class Model:
    """A loaded model; dropped while the renderer is idle. loras: None where none are offered.

    compiled: its blocks, as far as they are compiled.
    """

    def __init__(
        self,
        loaded: Loaded,
        residency: Residency,
        device: torch.device,
        cache_dir: Path | None,
        compiled: CompiledBlocks,
        loras: Adapters | None = None,
    ) -> None:
        self.loaded = loaded
        self.residency = residency
        self.compiled = compiled
        self.loras = loras
        self.embeddings = EmbeddingCache()
        self._new_previews = partial(Previews, loaded, device, cache_dir)
        self._previews: Previews | None = None
        self._asked = False
        self._expander: Expander | None = None

    @property
    def previews(self) -> Previews:
        """Previews for pictures of the current components."""
        previews = self._previews = self._previews or self._new_previews()
        return previews

    @property
    def expander(self) -> Expander | None:
        """The text encoder as a writer; None where it cannot write, which is checked once."""
        if not self._asked:
            pipeline, chat = self.loaded.pipeline, self.loaded.family.chat
            if chat is not None:
                encoder, tokenizer = pipeline.text_encoder, pipeline.tokenizer
                self._expander = Expander.around(encoder, tokenizer, chat)
            self._asked = True
        return self._expander

    def forget(self) -> None:
        """Drop the references to components that are about to be freed or replaced."""
        self._previews, self._expander, self._asked = None, None, False
