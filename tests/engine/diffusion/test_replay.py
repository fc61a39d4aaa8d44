"""A recipe read from a PNG paints the same pixels in another process, or says why it may not."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from engine.diffusion.renderer import DiffusionRenderer
from engine.png import EmbeddedRecipe, embedded_recipe, encode_png
from engine.renderer import RenderTask
from engine.types import Painted
from tests.fakes import a_request

REPAINT = """
import sys, threading
from engine.diffusion.renderer import DiffusionRenderer
from engine.png import embedded_recipe, encode_png
from engine.renderer import RenderTask
from engine.settings import EngineSettings

recipe = embedded_recipe(sys.stdin.buffer.read()).recipe
painter = DiffusionRenderer.load(EngineSettings(model=sys.argv[1], device="cpu", threads=3))
task = RenderTask(recipe.request, threading.Event(), recipe.conditions)
(made,) = painter.render([task], on_step=lambda row, step: None)
sys.stdout.buffer.write(encode_png(made.raster, made.recipe))
"""


@pytest.fixture(scope="module")
def png(painter: DiffusionRenderer) -> bytes:
    """A picture with Chinese words, guidance and an odd shape."""
    request = a_request("晨曦中的山湖", negative_prompt="雾", guidance=1.5, width_px=96)
    task = RenderTask(request, threading.Event())
    (made,) = painter.render([task], on_step=lambda _row, _step: None)
    assert isinstance(made, Painted)
    return encode_png(made.raster, made.recipe)


def repainted(png: bytes, model: Path, **environment: str) -> EmbeddedRecipe:
    """Return what a new process paints from the file's recipe."""
    done = subprocess.run(
        [sys.executable, "-c", REPAINT, str(model)],
        input=png,
        cwd=Path(__file__).parents[3],
        env=os.environ | environment,
        capture_output=True,
        check=True,
        timeout=200,
    )
    return embedded_recipe(done.stdout)


def test_a_png_is_painted_again_exactly(png: bytes, tiny: Path) -> None:
    """After a restart, on an engine set to another thread count, the recipe in the file gives
    identical pixels under identical conditions."""
    original, again = embedded_recipe(png), repainted(png, tiny)
    assert original.recipe.differences(again.recipe) == ()
    assert again.pixels_sha256 == original.pixels_sha256
    assert again.recipe == original.recipe


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() in {"DEFAULT", "NO AVX"},
    reason="this processor has no wider instructions to do without",
)
def test_another_processor_is_not_exact(png: bytes, tiny: Path) -> None:
    """Where the processor computes with other vectors, the replay reports the difference."""
    original = embedded_recipe(png).recipe
    elsewhere = repainted(png, tiny, ATEN_CPU_CAPABILITY="default").recipe
    assert [difference.name for difference in original.differences(elsewhere)] == ["device"]
