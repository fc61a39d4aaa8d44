"""The bounds of everything that a request may ask for, but for its size (`sizes`)."""

from __future__ import annotations

from collections.abc import Mapping

from bot.request.outcomes import (
    EmptyPrompt,
    NegativeUnsupported,
    OutOfRange,
    PresetContradicted,
    Quantity,
    Reason,
    RegionUnused,
    TextField,
    TextTooLong,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.values.loras import Choices
from engine import prompts
from engine.diffusion.families import Family, Feature
from engine.loras import MAX_WEIGHT
from engine.types import MAX_SEED, Mode

MAX_REFINE = 0.35
"""Highest noise level of refining and upscaling: above it they paint other things. Chosen by
hand."""
DEFAULT_STRENGTHS: Mapping[Mode, float] = {
    Mode.IMAGE: 0.75,
    Mode.INPAINT: 1.0,
    Mode.BLEND: 0.8,
    Mode.UPSCALE: 0.3,
}
"""The default noise level of each mode. Chosen by hand."""
_MAX_EFFECTIVE_CHARS = 2 * prompts.MAX_PROMPT_CHARS
"""Length of a prompt with the words that enhancement or the model add. Chosen by hand."""


def seed_problem(seed: int | None) -> Reason | None:
    """Return why this seed cannot be used; None if it can."""
    return None if seed is None else range_problem("seed", seed, 0, MAX_SEED)


def strength_of(start: InitImages) -> float:
    """Return the noise level that painting from pictures begins at."""
    usual = DEFAULT_STRENGTHS.get(start.mode, 1.0)
    return usual if start.strength is None else float(start.strength)


def preset_problem(params: GenerationParams, family: Family) -> Reason | None:
    """Return why a number and a name for a number do not agree; None if they do."""
    steps, speed, guidance = params.steps, params.speed, params.guidance
    if steps is not None and speed is not None and steps != family.speeds[speed]:
        return PresetContradicted("steps", steps, "speed", speed.value, family.speeds[speed])
    if guidance is not None and params.strict and guidance != family.strict_guidance:
        means = family.strict_guidance
        return PresetContradicted("guidance", guidance, "strict", "strict", means)
    return None


def region_problem(params: GenerationParams) -> Reason | None:
    """Return why the region does nothing. Once the source image is there, its mask has the part."""
    start = params.start
    applies = start is not None and not start.inputs and start.mode in (Mode.IMAGE, Mode.INPAINT)
    return None if params.region is None or applies else RegionUnused()


def weight_problem(choices: Choices) -> Reason | None:
    """Return why a LoRA cannot have this weight; None if all can."""
    weights = (each.weight for each in choices if each.weight is not None)
    found = (range_problem("lora", weight, -MAX_WEIGHT, MAX_WEIGHT) for weight in weights)
    return next(filter(None, found), None)


def start_problem(start: InitImages | None) -> Reason | None:
    """Return why painting cannot begin at this noise level; None if it can."""
    if start is None:
        return None
    highest = MAX_REFINE if start.mode is Mode.UPSCALE else 1.0
    return range_problem("strength", strength_of(start), 0.01, highest)


def text_problem(prompt: str, negative: str) -> Reason | None:
    """Return why these texts cannot be read; None if they can."""
    if not prompt:
        return EmptyPrompt()
    texts: tuple[tuple[TextField, str], ...] = (("prompt", prompt), ("negative", negative))
    for what, text in texts:
        if len(text) > prompts.MAX_PROMPT_CHARS:
            return TextTooLong(what, len(text), prompts.MAX_PROMPT_CHARS)
    return None


def negative_problem(negative: str, family: Family) -> Reason | None:
    """Return why a negative prompt would do nothing; None if it acts."""
    unsupported = negative and not family.supports(Feature.NEGATIVE)
    return NegativeUnsupported() if unsupported else None


def effective_problem(text: str) -> Reason | None:
    """Return why a prompt with all that was added to it is too long; None if it is not."""
    if len(text) > _MAX_EFFECTIVE_CHARS:
        return TextTooLong("prompt", len(text), _MAX_EFFECTIVE_CHARS)
    return None


def effort_problem(steps: int, guidance: float, family: Family) -> Reason | None:
    """Return why the family takes no such steps or guidance; None if it does."""
    return range_problem("steps", steps, 1, family.max_steps) or range_problem(
        "guidance", guidance, 1.0, family.max_guidance
    )


def range_problem(what: Quantity, value: float, low: float, high: float) -> Reason | None:
    """Return that a number is not between two others, both allowed; None if it is."""
    if low <= value <= high:  # never true of NaN
        return None
    return OutOfRange(what, value, low, high)
