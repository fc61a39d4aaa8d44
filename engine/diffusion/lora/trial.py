"""Paint with one LoRA before it is offered: whether it fits the model, and what it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import torch

from engine.diffusion.families import Speed, family_of
from engine.diffusion.lora.shelf import LoraInfo
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import EngineError
from engine.loras import LoraUse
from engine.prompts import missing_words, with_words
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import ImageRequest, Painted, Raster

SEED = 1
"""Of all pictures of a trial, so that they differ by the LoRA alone."""


class Kind(StrEnum):
    """What is in a picture of a trial: no LoRA, the LoRA, or also its trigger words."""

    WITHOUT = "without"
    WITH = "with"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class TrialPicture:
    """One picture of a trial.

    mean: how far its values are from those of the picture without the LoRA, of 255, on average over
    all. share: of the pixels that differ from it, 0 to 1.
    """

    kind: Kind
    painted: Painted
    mean: float = 0.0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What a LoRA does. adapted: how many parts of the model it changed while they were painted."""

    adapted: int
    pictures: tuple[TrialPicture, ...]

    @property
    def changes_nothing(self) -> bool:
        """Whether every pixel is the same with the LoRA as without it."""
        return not any(each.share for each in self.pictures if each.kind is Kind.WITH)


def try_lora(
    settings: EngineSettings, info: LoraInfo, prompt: str, begun: Callable[[Kind], None]
) -> Trial:
    """Load the model and paint the prompt without the LoRA, with it, and with its trigger words.

    settings: with the folder in which the LoRA lies. The last picture is left out where it has no
    words that the prompt lacks. They are small and quick: the shortest side at which the family's
    pictures lose nothing, at its fastest speed. The weight is the LoRA's own. begun: called before
    each picture. Raises EngineError.
    """
    renderer = DiffusionRenderer.load(settings)
    try:
        made: list[TrialPicture] = []
        for kind, request in _requests(settings, info, prompt).items():
            begun(kind)
            (painted,) = renderer.render(
                [RenderTask(request, threading.Event())], on_step=lambda *_: None
            )
            if isinstance(painted, EngineError):
                raise painted
            first = made[0].painted if made else painted
            made.append(TrialPicture(kind, painted, *_change(first.raster, painted.raster)))
        return Trial(renderer.adapted_parts(info.name, info.weight), tuple(made))
    finally:
        renderer.close()


def _requests(settings: EngineSettings, info: LoraInfo, prompt: str) -> dict[Kind, ImageRequest]:
    family = family_of(settings)
    side_px, steps = family.good_side_px, family.speeds[Speed.FAST]
    guidance = family.guidance_at(steps)
    plain = ImageRequest(prompt, prompt, "", SEED, side_px, side_px, steps, guidance)
    adapted = replace(plain, loras=(LoraUse(info.name, info.weight),))
    found = {Kind.WITHOUT: plain, Kind.WITH: adapted}
    if missing_words(prompt, info.trigger_words):
        worded = with_words(prompt, info.trigger_words)
        found[Kind.WORDS] = replace(
            adapted,
            effective_prompt=worded,
            loras=(LoraUse(info.name, info.weight, info.trigger_words),),
        )
    return found


def _change(one: Raster, other: Raster) -> tuple[float, float]:
    """Return the mean difference of the values and the share of pixels that differ."""
    first, second = (
        torch.frombuffer(bytearray(each.rgb), dtype=torch.uint8).view(-1, 3).int()
        for each in (one, other)
    )
    apart = (first - second).abs()
    return float(apart.float().mean()), float((apart.amax(dim=1) > 0).float().mean())
