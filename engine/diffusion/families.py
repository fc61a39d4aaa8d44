"""What a model family is: sizes, steps and its convention of guidance. Data; imports no torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.sizing import GRID_PX

SKETCH = "sketch"
"""The name of the embedded model."""

MAX_STEPS = 50
MAX_GUIDANCE = 5.0
"""The widest bounds of all families: what Discord offers before it knows the model."""


@dataclass(frozen=True, slots=True)
class Family:
    """The bounds and habits of a kind of model.

    native_side_px: a square of this side is its pixel budget. guidance is classic (1.0 = off);
    over warn_guidance pictures burn, over max_guidance they break. max_tokens counts the
    chat template too.
    """

    name: str
    native_side_px: int
    min_side_px: int
    max_side_px: int
    max_pixels: int
    default_steps: int = 8
    max_steps: int = MAX_STEPS
    default_guidance: float = 1.0
    warn_guidance: float = 2.5
    max_guidance: float = MAX_GUIDANCE
    max_tokens: int = 512

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
    max_pixels=2048 * 2048,
)
SKETCH_FAMILY = Family(
    name=SKETCH,
    native_side_px=256,
    min_side_px=128,
    max_side_px=512,
    max_pixels=512 * 512,
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
