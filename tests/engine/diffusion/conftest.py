"""One tiny model and one renderer for the whole session; no test changes them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.diffusion import renderer
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from tests.engine.diffusion.tiny import build_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete model with random weights."""
    return build_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may break."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.fixture(scope="session")
def painter(tiny: Path) -> Iterator[DiffusionRenderer]:
    """The real renderer, with one thread: such small products are slower on two."""
    with pytest.MonkeyPatch.context() as patch:
        # Otherwise the thread that runs all tests would be slowed down for good.
        patch.setattr(renderer, "_lower_priority", lambda: None)
        made = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    yield made
    made.close()
