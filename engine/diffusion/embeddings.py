"""Embeddings of prompts that were read before: a text encoder is not asked twice for the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

import torch

MAX_BYTES: Final = 64 << 20
"""What all embeddings of one model may take of the host's memory. Chosen by hand: about 200 prompts
of Z-Image-Turbo with 60 tokens each (2,560 values of 2 bytes), or 24 of 512 tokens."""


class EmbeddingCache:
    """Keeps embeddings on the host, least recently used ones first out.

    key: everything that decides the bits of an embedding. What comes back is equal to what was kept
    bit for bit, and must not be changed in place. Not for several threads at once.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, torch.Tensor] = OrderedDict()
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """What the embeddings take now."""
        return self._bytes

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, device: torch.device) -> torch.Tensor | None:
        """Return an embedding on a device; None if it is not kept."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found.to(device)

    def keep(self, key: Hashable, embedding: torch.Tensor) -> None:
        """Keep an embedding and forget the oldest beyond the limit; one above it is not kept."""
        # A copy: it may be a few rows of a tensor that would stay in memory whole.
        copy = embedding.detach().to("cpu", copy=True).contiguous()
        if copy.nbytes > self._max_bytes:
            return
        self._forget(key)
        self._kept[key] = copy
        self._bytes += copy.nbytes
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Hashable) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self._bytes -= old.nbytes
