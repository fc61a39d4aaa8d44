"""The protocol that every renderer implements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.compilation import Compilation
from engine.errors import EngineError
from engine.types import Conditions, ImageRequest, ModelInfo, Painted, Progress, Raster

Outcome = Painted | EngineError
"""The outcome of one job: a picture or an error, never an exception for its neighbours."""


@dataclass(frozen=True, slots=True)
class RenderTask:
    """One job of a batch. cancel is read between steps; replay restores old conditions.

    inputs: the pictures that the request starts from. previews: whether progress includes them.
    """

    request: ImageRequest
    cancel: threading.Event
    replay: Conditions | None = None
    inputs: tuple[Raster, ...] = ()
    previews: bool = False


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """The memory of the device that paints. shared: it is the host's, used by everything there."""

    used_bytes: int
    total_bytes: int
    shared: bool = False


class Renderer(Protocol):
    """Paints batches, synchronously, on one thread. Built on that thread by a `RendererFactory`."""

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        ...

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Progress], None]
    ) -> list[Outcome]:
        """Paint every task of the batch; return one outcome per task, in order.

        on_step(row, progress) is called on the painting thread after each step. A Defunct outcome
        means that this renderer is unusable from now on.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the model would read for a prompt; quick and thread-safe.

        It works after `close` too.
        """
        ...

    def memory(self) -> DeviceMemory:
        """Return how much memory of the device is in use by all programs.

        Quick and thread-safe; it works after `close` too.
        """
        ...

    @property
    def compilation(self) -> Compilation:
        """Whether pictures are painted with compiled blocks; from any thread."""
        ...

    def unload(self) -> None:
        """Free memory while there is nothing to paint; the next `render` allocates it again."""
        ...

    def close(self) -> None:
        """Free the device."""
        ...


RendererFactory = Callable[[], Renderer]
"""Called on the executor thread; raises ModelUnavailable when the model cannot be loaded."""
