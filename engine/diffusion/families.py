"""What a model family is: sizes, steps and its convention of guidance. Data; imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.prompts import EnhancementLevel, Style
from engine.sizing import GRID_PX

SKETCH = "sketch"
"""The name of the embedded model."""

MAX_STEPS = 50
MAX_GUIDANCE = 5.0
"""The widest bounds of all families: what Discord offers before it knows the model."""


class Speed(StrEnum):
    """How much time a picture may take, in words that hold for every family."""

    FAST = "fast"
    STANDARD = "standard"
    FINE = "fine"


_SPEEDS = {Speed.FAST: 4, Speed.STANDARD: 8, Speed.FINE: 10}


@dataclass(frozen=True, slots=True)
class Family:
    """The bounds and habits of a kind of model.

    native_side_px: a square of this side is its pixel budget. good_side_px: under it pictures lose
    what they should show. max_pixels: of a picture painted in one piece; larger ones repeat
    themselves, and are painted smaller and enlarged. max_ratio: of the longer to the shorter side.
    guidance is classic (1.0 = off); over warn_guidance pictures burn, over max_guidance they break;
    strict_guidance holds a prompt more strictly. speeds: steps. max_tokens counts the chat template
    too. style, enhance: how prompts are worded for it, and how much is added by default. levels:
    of enhancement that differ here. knows_styles: words for a style change its pictures.
    """

    name: str
    native_side_px: int
    min_side_px: int
    max_side_px: int
    max_pixels: int
    good_side_px: int
    max_ratio: float = 2.0
    speeds: Mapping[Speed, int] = field(default_factory=lambda: dict(_SPEEDS))
    default_steps: int = 8
    max_steps: int = MAX_STEPS
    default_guidance: float = 1.0
    strict_guidance: float = 1.8
    warn_guidance: float = 2.5
    max_guidance: float = MAX_GUIDANCE
    max_tokens: int = 512
    style: Style = Style.SENTENCES
    enhance: EnhancementLevel = EnhancementLevel.FULL
    levels: tuple[EnhancementLevel, ...] = tuple(EnhancementLevel)
    knows_styles: bool = True

    @property
    def budget_px(self) -> int:
        """Pixels of a picture at the native resolution."""
        return self.native_side_px**2

    def pipeline_guidance(self, guidance: float) -> float:
        """Classic guidance → what ZImagePipeline calls guidance_scale (one less; 0 = off)."""
        return max(0.0, guidance - 1.0)


Z_IMAGE_TURBO = Family(
    name="z-image-turbo",
    native_side_px=1024,
    min_side_px=256,
    max_side_px=2048,
    max_pixels=1536 * 1536,
    good_side_px=512,
    max_ratio=21 / 9,
    max_guidance=3.2,
)
SKETCH_FAMILY = Family(
    name=SKETCH,
    native_side_px=256,
    min_side_px=128,
    max_side_px=512,
    max_pixels=384 * 384,
    good_side_px=160,
    # It was trained with these few words of quality and knows no others. Its text encoder reads
    # captions and cannot write.
    enhance=EnhancementLevel.LIGHT,
    levels=(EnhancementLevel.OFF, EnhancementLevel.LIGHT, EnhancementLevel.FULL),
    knows_styles=False,
)


def folder_of(model: str) -> Path:
    """The folder that a model's name stands for if it is one; `~` is the person's home."""
    try:
        return Path(model).expanduser()
    except RuntimeError:  # ~somebody whom this machine does not know
        return Path(model)


def family_for(model: str) -> Family:
    """The family of a model by its name or folder, without loading it.

    A folder's own autoencoder says at which size it was trained (`sample_size`); small models
    are treated like `sketch`. Whatever cannot be read is taken for Z-Image-Turbo.
    """
    if model == SKETCH:
        return SKETCH_FAMILY
    try:
        config_file = folder_of(model) / "vae" / "config.json"
        side_px = int(json.loads(config_file.read_text(encoding="utf-8"))["sample_size"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Z_IMAGE_TURBO
    on_grid = side_px % GRID_PX == 0 and side_px > 0
    return SKETCH_FAMILY if on_grid and side_px <= 256 else Z_IMAGE_TURBO
