"""One tiny model for the session; no test changes it."""

import pytest

from tests.engine.diffusion.checkpoints.layouts import TinyModel, build


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """A tiny model of Z-Image-Turbo's family, and its folder."""
    return build(tmp_path_factory.mktemp("checkpoints") / "diffusers")
