"""Nothing heavy is imported before the painting thread asks for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import ModelNotFound
from engine.factory import diffusion_factory
from engine.settings import EngineSettings

LIGHT = """
import sys
import engine.diffusion.families, engine.diffusion.memory_plans, engine.png, engine.factory
import engine.prompts, engine.service, engine.sizing
from engine.settings import EngineSettings
engine.factory.diffusion_factory(EngineSettings())
print(sorted({"torch", "diffusers", "transformers", "accelerate"} & set(sys.modules)))
"""


def test_the_engine_is_light_until_it_paints() -> None:
    """Importing the engine and making its factory loads no torch."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_factory_raises_what_loading_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the factory's call looks for the model, and raises if it is missing."""
    monkeypatch.setattr("engine.diffusion.renderer._lower_priority", lambda: None)
    factory = diffusion_factory(EngineSettings(model="nobody/nothing-of-this-name", device="cpu"))
    with pytest.raises(ModelNotFound):
        factory()


def test_the_factory_looks_at_the_files_of_all_models() -> None:
    """Before the one is loaded, any other that is not there is refused by its name."""
    others = [EngineSettings(), EngineSettings(model="nobody/another-one", device="cpu")]
    with pytest.raises(ModelNotFound, match="nobody/another-one"):
        diffusion_factory(EngineSettings(device="cpu"), others)()
