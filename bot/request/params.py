"""What a person asked for, as they asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import Mode


@dataclass(frozen=True, slots=True)
class InitImages:
    """What a picture is painted from: the hashes of the mode's inputs, of the picture's size.

    strength: noise level, None = what suits the mode.
    """

    mode: Mode
    inputs: tuple[str, ...]
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class GenerationParams:
    """What a person asked for; None where they left the choice to us.

    aspect: "16:9". size: (width_px, height_px); at most one of both. guidance: classic; `strict`
    is a choice of it, `speed` one of steps. style: what it is made as. variety, refine: 0 = none.
    """

    prompt: str
    aspect: str | None = None
    size: tuple[int, int] | None = None
    seed: int | None = None
    steps: int | None = None
    speed: Speed | None = None
    guidance: float | None = None
    strict: bool = False
    negative: str | None = None
    enhance: EnhancementLevel | None = None
    variety: float = 0.0
    refine: float = 0.0
    start: InitImages | None = None
    style: PictureStyle | None = None
