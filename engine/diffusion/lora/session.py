"""The LoRAs of one request, from the memory they need to the files that the recipe names."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.shelf import Stamp
from engine.errors import LoraNotFound, LoraRefused
from engine.loras import LoraFile, LoraUse, weights_of

_OVERFLOW = "the model's values become NaN or infinite"


class LoraSession:
    """Used for one picture. Files are hashed on a thread of `hashing`, while the device paints."""

    def __init__(
        self, adapters: Adapters | None, loras: tuple[LoraUse, ...], hashing: ThreadPoolExecutor
    ) -> None:
        """adapters: None where none are offered. Raises LoraUnusable."""
        self._adapters = adapters
        self._weights = {name: weight for name, weight in weights_of(loras).items() if weight}
        self._hashes: list[Future[tuple[Stamp, LoraFile]]] = []
        self.needed_bytes = 0
        if adapters is None:
            if self._weights:
                raise LoraNotFound(next(iter(self._weights)), "no LoRAs are offered here")
            return
        adapters.drop_others(self._weights)
        self.needed_bytes = adapters.needed_bytes(self._weights)
        self._hashes = [hashing.submit(adapters.hashed, name) for name in self._weights]

    @property
    def active(self) -> bool:
        """Whether any LoRA changes the picture."""
        return bool(self._weights)

    def adapt(self, model: Any, *, encoders: bool = False) -> AbstractContextManager[object]:
        """Apply them for the duration of a block. Arguments and errors as `Adapters.applied`."""
        if self._adapters is None or not self._weights:
            return nullcontext()
        return self._adapters.applied(model, self._weights, encoders=encoders)

    def reading(self) -> tuple[object, ...]:
        """Return what decides how text encoders read: of each LoRA that may change them, its
        weight and the state of its file. Raises LoraUnusable."""
        return () if self._adapters is None else self._adapters.reading(self._weights)

    def blame(self, transformer: Any, is_finite: Callable[[], bool]) -> None:
        """Raise LoraRefused if a step is not finite because of them, naming the one that suffices.

        is_finite: computes the step again. Called while none is applied; costs a step for each.
        """
        if self._adapters is None or not self._weights or not is_finite():
            return
        for name, weight in self._weights.items():
            with self._adapters.applied(transformer, {name: weight}):
                if not is_finite():
                    raise LoraRefused(name, f"at weight {weight:g}, {_OVERFLOW}")
        raise LoraRefused(", ".join(self._weights), f"at these weights together, {_OVERFLOW}")

    def files(self) -> tuple[LoraFile, ...]:
        """Return the files that were applied, after painting.

        Raises LoraUnusable where one was changed meanwhile: nobody could tell what was painted.
        """
        found: list[LoraFile] = []
        for each in self._hashes:
            stamp, file = each.result()
            assert self._adapters is not None
            self._adapters.confirm(file.name, stamp)
            found.append(file)
        return tuple(found)
