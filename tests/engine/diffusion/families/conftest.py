"""Tiny models of every family and renderers with them, each made once and changed by no test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from engine.diffusion.renderer import DiffusionRenderer
from tests.engine.diffusion.families.models import BUILDERS, painter_of


@pytest.fixture(scope="session")
def folder_of_family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a family's tiny model."""
    return cache(lambda name: BUILDERS[name](tmp_path_factory.mktemp("families") / name))


@pytest.fixture(scope="session")
def painter_of_family(
    folder_of_family: Callable[[str], Path],
) -> Iterator[Callable[[str], DiffusionRenderer]]:
    """Return the renderer with a family's tiny model."""
    with ExitStack() as opened:
        yield cache(lambda name: opened.enter_context(painter_of(folder_of_family(name))))
