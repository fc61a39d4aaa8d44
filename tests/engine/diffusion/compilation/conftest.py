"""One compile of the tiny model for the whole session; tests that break its cache copy it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.compilation import OFF, ON, Compilation, CompilationState
from engine.diffusion import renderer
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from engine.types import Painted
from tests.engine.diffusion.rendering import painted

UNFINISHED = (CompilationState.WAITING, CompilationState.WORKING)
LIMIT_S = 900.0
"""As long as a machine may take on which much else is done; alone it takes some ten seconds."""

Load = Callable[..., DiffusionRenderer]
"""Loads a renderer of the tiny model; takes a folder of caches, and settings."""


def settled(painter: DiffusionRenderer) -> Compilation:
    """Wait for the background; return how it ended."""
    end_s = time.monotonic() + LIMIT_S
    while painter.compilation.state in UNFINISHED:
        assert time.monotonic() < end_s, painter.compilation
        time.sleep(0.05)
    return painter.compilation


@pytest.fixture(scope="session")
def load(tiny: Path) -> Iterator[Load]:
    """Loads renderers, which are closed in the end."""
    made: list[DiffusionRenderer] = []

    def loaded(cache_dir: Path, compile: str = ON, **settings: object) -> DiffusionRenderer:
        plain = {"model": str(tiny), "device": "cpu", "threads": 1, "compile": compile}
        chosen = EngineSettings(**(plain | settings), cache_dir=cache_dir)  # pyright: ignore[reportArgumentType]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(renderer, "_lower_priority", lambda: None)
            made.append(DiffusionRenderer.load(chosen))
        return made[-1]

    yield loaded
    for each in made:
        each.close()


@dataclass(frozen=True, slots=True)
class CompiledCache:
    """A folder of caches with compiled blocks, and the pictures painted before and after."""

    folder: Path
    before: Painted
    after: Painted


@pytest.fixture(scope="session")
def compiled(load: Load, tmp_path_factory: pytest.TempPathFactory) -> CompiledCache:
    """Compiles the tiny model's blocks for real."""
    folder = tmp_path_factory.mktemp("compiled")
    painter = load(folder)
    before = painted(painter)
    assert settled(painter).state is CompilationState.READY, painter.compilation
    return CompiledCache(folder, before, painted(painter))


@pytest.fixture
def cache(compiled: CompiledCache, tmp_path: Path) -> Path:
    """A copy of that cache that a test may break."""
    return Path(shutil.copytree(compiled.folder, tmp_path / "cache"))


@pytest.fixture
def plain(load: Load, tmp_path: Path) -> DiffusionRenderer:
    """A renderer that never compiles."""
    return load(tmp_path, OFF)
