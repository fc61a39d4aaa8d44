"""From what a person typed to a request that is fully decided, or a refusal. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from bot.studio.outcomes import (
    BadAspect,
    BadSize,
    Composed,
    EmptyPrompt,
    GuidanceHigh,
    NegativeAdded,
    NegativeIdle,
    Note,
    OutOfRange,
    Reason,
    Refused,
    TextTooLong,
)
from engine import prompts
from engine.diffusion.families import Family
from engine.sizing import GRID_PX, parse_aspect, size_for_aspect
from engine.types import MAX_SEED, ImageRequest

Seeds = Callable[[], int]
"""Draws a fresh seed, 0..MAX_SEED."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for; None where they left the choice to us.

    aspect: "16:9". size: (width_px, height_px); at most one of both. guidance: classic.
    """

    prompt: str
    aspect: str | None = None
    size: tuple[int, int] | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    negative: str | None = None
    enhance: bool = True


def compose(wish: Wish, family: Family, seeds: Seeds) -> Composed | Refused:
    """Fill in the family's defaults, enhance, and check every bound."""
    prompt = prompts.clean(wish.prompt)
    negative = prompts.clean(wish.negative or "")
    steps = family.default_steps if wish.steps is None else wish.steps
    guidance = family.default_guidance if wish.guidance is None else float(wish.guidance)
    problem = (
        _text_problem(prompt, negative)
        or seed_problem(wish.seed)
        or _effort_problem(steps, guidance, family)
    )
    if problem is not None:
        return Refused(problem)
    size = _size(wish, family)
    if not isinstance(size, tuple):
        return Refused(size)
    enhanced = prompts.enhance(prompt, negative=negative, guidance=guidance, enabled=wish.enhance)
    request = ImageRequest(
        prompt=prompt,
        effective_prompt=enhanced.effective_prompt,
        negative_prompt=enhanced.negative_prompt,
        seed=seeds() if wish.seed is None else wish.seed,
        width_px=size[0],
        height_px=size[1],
        steps=steps,
        guidance=guidance,
    )
    return Composed(request, enhanced.added, request_notes(request, family))


def recompose(
    original: ImageRequest, seed: int | None, family: Family, seeds: Seeds
) -> Composed | Refused:
    """The same request again, with exactly `seed` or (None) with a fresh one.

    The effective prompt is kept as it was painted: enhancement may have changed since.
    """
    fresh = dataclasses.replace(original, seed=seeds() if seed is None else seed)
    # The model may be another one now, with other bounds.
    problem = replay_problem(fresh, family)
    if problem is not None:
        return Refused(problem)
    added = prompts.addition(original.prompt, original.effective_prompt)
    return Composed(fresh, added, request_notes(fresh, family))


def request_notes(request: ImageRequest, family: Family) -> tuple[Note, ...]:
    """What a person should know about their request."""
    notes: list[Note] = []
    if request.negative_prompt and request.guidance <= 1.0:
        notes.append(NegativeIdle())
    elif request.negative_prompt in prompts.DEFAULT_NEGATIVE.values():
        notes.append(NegativeAdded(request.negative_prompt))
    if request.guidance > family.warn_guidance:
        notes.append(GuidanceHigh(request.guidance, family.warn_guidance))
    return tuple(notes)


def seed_problem(seed: int | None) -> Reason | None:
    """Why this seed cannot be used; None if it can."""
    return None if seed is None else _range_problem("seed", seed, 0, MAX_SEED)


def replay_problem(request: ImageRequest, family: Family) -> Reason | None:
    """Why a request out of a picture, which anybody may have written, cannot be painted."""
    return (
        _text_problem(request.prompt, request.negative_prompt)
        or seed_problem(request.seed)
        or _effort_problem(request.steps, request.guidance, family)
        or size_problem(request.width_px, request.height_px, family)
    )


def size_problem(width_px: int, height_px: int, family: Family) -> Reason | None:
    """Why this size cannot be painted; None if it can."""
    sides = (width_px, height_px)
    fits = (
        all(side % GRID_PX == 0 for side in sides)
        and min(sides) >= family.min_side_px
        and max(sides) <= family.max_side_px
        and width_px * height_px <= family.max_pixels
    )
    if fits:
        return None
    return BadSize(width_px, height_px, family.min_side_px, family.max_side_px, GRID_PX)


def _text_problem(prompt: str, negative: str) -> Reason | None:
    if not prompt:
        return EmptyPrompt()
    for what, text in (("prompt", prompt), ("negative", negative)):
        if len(text) > prompts.MAX_PROMPT_CHARS:
            return TextTooLong(what, len(text), prompts.MAX_PROMPT_CHARS)
    return None


def _effort_problem(steps: int, guidance: float, family: Family) -> Reason | None:
    return _range_problem("steps", steps, 1, family.max_steps) or _range_problem(
        "guidance", guidance, 1.0, family.max_guidance
    )


def _range_problem(what: str, value: float, low: float, high: float) -> Reason | None:
    if low <= value <= high:  # never true of NaN
        return None
    return OutOfRange(what, value, low, high)


def _size(wish: Wish, family: Family) -> tuple[int, int] | Reason:
    if wish.size is not None:
        return size_problem(*wish.size, family) or wish.size
    if wish.aspect is None:
        return family.native_side_px, family.native_side_px
    try:
        ratio = parse_aspect(wish.aspect)
    except ValueError:
        return BadAspect(wish.aspect)
    size = size_for_aspect(*ratio, family.budget_px)
    return size_problem(*size, family) or size
