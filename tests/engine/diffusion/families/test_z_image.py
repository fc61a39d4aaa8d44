"""Z-Image before its distillation: recognised by its scheduler, painted as its pipeline paints."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.diffusion import loading
from engine.diffusion.loading import load_model
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import ModelInvalid
from engine.settings import EngineSettings
from engine.types import ImageRequest
from tests.engine.diffusion.rasters import furthest
from tests.engine.diffusion.rendering import painted, plain_pipeline

REQUEST = ImageRequest("a lake", "a lake", "fog", 5, 256, 256, 4, 4.0)


@pytest.fixture
def base(folder_of_family: Callable[[str], Path]) -> Path:
    """The folder of a tiny model with Z-Image's scheduler."""
    return folder_of_family("z-image")


@pytest.fixture
def base_painter(painter_of_family: Callable[[str], DiffusionRenderer]) -> DiffusionRenderer:
    """The renderer with that model."""
    return painter_of_family("z-image")


def test_it_is_painted_as_its_own_pipeline_paints_it(base: Path, base_painter: DiffusionRenderer):
    """With shift 6, guidance and a negative prompt, the pixels are those of diffusers, but for
    what rounding does: it reads a prompt with its padding."""
    made = painted(base_painter, REQUEST)
    assert made.recipe.family == base_painter.info.family == "z-image"
    direct = plain_pipeline(base)
    torch.set_num_threads(1)
    image = direct(
        prompt="a lake",
        negative_prompt="fog",
        height=256,
        width=256,
        num_inference_steps=4,
        guidance_scale=3.0,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="pt",
    ).images[0]
    theirs = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    assert furthest(made.raster, theirs.numpy()) <= 1


def test_the_log_says_which_family_and_why(base: Path, caplog: pytest.LogCaptureFixture):
    """What was read is told with its reason; what the owner decided as well."""
    caplog.set_level(logging.INFO, logger=loading.__name__)
    load_model(EngineSettings(model=str(base)), torch.device("cpu"))
    load_model(EngineSettings(model=str(base), family="z-image-turbo"), torch.device("cpu"))
    assert "z-image: it is of the family z-image: its scheduler's shift is 6" in caplog.messages
    named = "z-image: it is of the family z-image-turbo: `family` under [engine] names it"
    assert named in caplog.messages


def test_another_family_than_was_assumed_is_refused_after_the_download(
    base: Path, monkeypatch: pytest.MonkeyPatch
):
    """Files that were fetched after the commands were made for Turbo are not painted as Turbo."""
    monkeypatch.setattr(loading, "snapshot_download", lambda *_, **__: str(base))
    settings = EngineSettings(model="somebody/paintings", download=True)
    with pytest.raises(ModelInvalid, match=r"its files are of z-image .* start zimagine again"):
        load_model(settings, torch.device("cpu"))
