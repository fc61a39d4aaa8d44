"""The models of one engine: which there are, which is loaded, and moving to another one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping

from engine.compilation import Compilation
from engine.errors import ModelGone, ModelUnavailable
from engine.executor import ExecutorThread
from engine.renderer import DeviceMemory, Renderer, RendererFactory
from engine.types import ModelInfo

RETRY_S = 600.0
"""How long a model that could not be loaded is not asked for again: each attempt takes the one that
works out of memory. Chosen by hand."""


class Models:
    """Models by name, of which at most one is loaded.

    Lives on the event loop's thread; loading happens on the executor thread, and only the engine
    asks for it. factories: the default model's is among them. default: the name that "" stands for.
    """

    def __init__(self, factories: Mapping[str, RendererFactory], default: str = "") -> None:
        self.default = default
        self._factories = factories
        self._renderer: Renderer | None = None
        self._loaded: str | None = None
        self._loading: str | None = None
        self._unloaded = False
        self._began_s = 0.0
        # Also of models that were loaded before: they still count tokens.
        self._known: dict[str, Renderer] = {}
        self._durations_s: dict[str, float] = {}
        self._failed_s: dict[str, float] = {}
        self._info: ModelInfo | None = None

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._factories) > 1

    @property
    def renderer(self) -> Renderer | None:
        """Paints with the loaded model; None while none is loaded."""
        return self._renderer

    @property
    def loaded(self) -> str | None:
        """The name of the loaded model; None while none is loaded."""
        return self._loaded

    @property
    def in_memory(self) -> str | None:
        """The name of the loaded model, unless its memory was freed while nothing was painted."""
        return None if self._unloaded else self._loaded

    @property
    def loading(self) -> str | None:
        """The name of the model that is being loaded now."""
        return self._loading

    @property
    def loading_left_s(self) -> float | None:
        """The seconds that the loading which has begun still takes, 0 when it takes longer than it
        used to; None if nothing is being loaded, or before anything was."""
        whole_s = None if self._loading is None else self.load_s(self._loading)
        return None if whole_s is None else max(0.0, whole_s - (time.monotonic() - self._began_s))

    @property
    def info(self) -> ModelInfo | None:
        """The model that was loaded last; None before the first."""
        return self._info

    def name_of(self, model: str) -> str:
        """Return a model's name; "" stands for the default one."""
        return model or self.default

    def load_s(self, model: str) -> float | None:
        """Return how long loading takes: as it did the last time, else as others did on average.

        None before anything was loaded.
        """
        known = self._durations_s
        if not known:
            return None
        return known.get(self.name_of(model), sum(known.values()) / len(known))

    def moving_s(self, models: Iterable[str]) -> float:
        """Return the seconds of loading that painting with these models, in this order, takes.

        What is left of a loading that has begun is counted too.
        """
        total_s, at = 0.0, self._loaded
        if self._loading is not None:
            at = self._loading
            total_s += self.loading_left_s or 0.0
        for model in map(self.name_of, models):
            if model != at:
                total_s += self.load_s(model) or 0.0
                at = model
        return total_s

    def is_broken(self, model: str) -> bool:
        """Whether loading failed less than `RETRY_S` ago."""
        failed_s = self._failed_s.get(self.name_of(model))
        return failed_s is not None and time.monotonic() - failed_s < RETRY_S

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of models that `is_broken` of."""
        return tuple(name for name in self._factories if self.is_broken(name))

    def memory(self) -> DeviceMemory | None:
        """Read the memory of the device (blocking, from any thread); None if it is not known."""
        renderer = next(iter(list(self._known.values())), None)
        try:
            return None if renderer is None else renderer.memory()
        except Exception:  # a lost device says nothing, in as many ways as there are drivers
            return None

    @property
    def compilation(self) -> Compilation | None:
        """How far the compiling of the loaded model is; None while none is loaded."""
        return None if self._renderer is None else self._renderer.compilation

    def count_tokens(self, text: str, model: str = "") -> int | None:
        """Return how many tokens a model would read; None until it was loaded once."""
        known = self._known.get(self.name_of(model))
        return None if known is None else known.count_tokens(text)

    async def use(self, thread: ExecutorThread, model: str) -> None:
        """Load this model if another one, or none, is loaded.

        Raises ModelUnavailable if that fails; the one before is loaded again then, if it can be.
        """
        name, before = self.name_of(model), self._loaded
        if name == before:
            return
        if name not in self._factories:
            raise ModelGone(name)
        try:
            await self._load(thread, name)
        except ModelUnavailable:
            if before is not None:
                with contextlib.suppress(ModelUnavailable):
                    await self._load(thread, before)
            raise

    async def unload(self, thread: ExecutorThread) -> None:
        """Free the memory of the loaded model until it is painted with. Raises what it raises."""
        if self._renderer is not None:
            await thread.run(self._renderer.unload)
            self._unloaded = True

    def painting(self) -> None:
        """Note that the loaded model is painted with, which brings it back into memory."""
        self._unloaded = False

    async def _load(self, thread: ExecutorThread, name: str) -> None:
        self._loading, self._began_s = name, time.monotonic()
        try:
            await self._close(thread)
            renderer = await thread.run(self._factories[name])
        except ModelUnavailable:
            self._failed_s[name] = time.monotonic()
            raise
        except Exception as error:  # whatever a broken model makes a library raise
            self._failed_s[name] = time.monotonic()
            raise ModelUnavailable(name, f"{type(error).__name__}: {error}") from error
        finally:
            self._loading = None
        self._durations_s[name] = time.monotonic() - self._began_s
        self._renderer = self._known[name] = renderer
        self._loaded, self._info, self._unloaded = name, renderer.info, False
        self._failed_s.pop(name, None)

    async def _close(self, thread: ExecutorThread) -> None:
        """Free the memory of the loaded model: two at once may not fit."""
        renderer, self._renderer, self._loaded = self._renderer, None, None
        if renderer is not None:
            # What cannot be freed shows when the next model finds no room.
            with contextlib.suppress(Exception):
                await thread.run(renderer.close)
