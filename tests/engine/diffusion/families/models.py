"""A tiny model of each family, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from engine.diffusion import renderer
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from tests.engine.diffusion.tiny import build_tiny
from tests.engine.diffusion.tiny_pixart import build_tiny_pixart
from tests.engine.diffusion.tiny_sdxl import build_tiny_sdxl

_full_size = partial(build_tiny, sample_size=1024, rope_theta=1_000_000.0)

BUILDERS: Mapping[str, Callable[[Path], Path]] = {
    "sketch": build_tiny,
    "z-image": partial(_full_size, shift=6.0),
    "z-image-turbo": _full_size,
    "sdxl-turbo": partial(build_tiny_sdxl, scheduler="ancestral", sample_size=64),
    "sdxl-lcm": partial(build_tiny_sdxl, scheduler="lcm"),
    "sdxl-lightning": partial(build_tiny_sdxl, scheduler="euler"),
    "pixart-lcm": partial(build_tiny_pixart, consistent=True),
    "pixart-alpha": build_tiny_pixart,
    "pixart-sigma": partial(build_tiny_pixart, kind="sigma"),
}


@contextmanager
def painter_of(folder: Path, **settings: str) -> Iterator[DiffusionRenderer]:
    """The real renderer with a model, on one thread that keeps its priority."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "_lower_priority", lambda: None)
        made = DiffusionRenderer.load(
            EngineSettings(model=str(folder), device="cpu", threads=1, **settings)  # pyright: ignore[reportArgumentType]
        )
    yield made
    made.close()
