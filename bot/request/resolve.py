"""Resolve request parameters to a fully specified image request, or refuse them.

Pure but for LoRAs, which are chosen from what is in their folder now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from bot.request.bounds import (
    MAX_REFINE,
    effective_problem,
    effort_problem,
    negative_problem,
    preset_problem,
    range_problem,
    region_problem,
    seed_problem,
    start_problem,
    strength_of,
    text_problem,
    weight_problem,
)
from bot.request.features import feature_problem, mode_problem, unsupported
from bot.request.loras import NO_LORAS, LoraCatalog
from bot.request.mentions.names import readable
from bot.request.notes import (
    DefaultsUsed,
    HighGuidance,
    InertSyntax,
    LimitedModel,
    LoraTaken,
    NegativeAdded,
    NegativeGuidance,
    NegativeIgnored,
    Note,
    PresetUsed,
    SmallSide,
    StyleIgnored,
    SyntaxIgnored,
    TriggerWordsAdded,
    UnknownOptions,
    pasted_note,
    source_change_note,
)
from bot.request.outcomes import (
    Reason,
    Refused,
    ResolvedRequest,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.reasons.presets import NoPresetsHere
from bot.request.sizes import SNAPPING, UPSCALE_FACTOR, size_for, size_problem
from bot.request.values.loras import without_none
from engine import prompts
from engine.diffusion.families import Family, Feature
from engine.loras import words_of
from engine.prompts import Count, EnhancementLevel, PictureStyle
from engine.sizing import offered, parse_aspect
from engine.types import MAX_VARIATIONS, ImageRequest, Mode, SourceChange, Variation

SeedSource = Callable[[], int]
"""Draws a new seed, 0..MAX_SEED."""

SUBTLE, STRONG = 0.2, 0.6
"""How far a variation turns the noise: a subtle change of mood, or another take on the picture.
Chosen by hand."""


def resolve(
    params: GenerationParams,
    family: Family,
    seeds: SeedSource,
    count: Count | None = None,
    *,
    keep_guidance: bool = False,
    loras: LoraCatalog = NO_LORAS,
) -> ResolvedRequest | Refused:
    """Fill in the family's defaults, enhance the prompt, and check every bound.

    Guidance at which a negative prompt would do nothing is raised to what the family needs.
    count: counts the tokens of a text. keep_guidance: a given guidance stays even then, to be
    compared with others. loras: what LoRAs are chosen from. The model is the one of this family,
    and its name is taken as it is.
    """
    prompt = readable(prompts.clean(params.prompt))
    if without_none(params.lora) and (unread := unsupported(Feature.LORA, family)):
        return Refused(unread)
    taken = loras.taken_from(prompt, params.lora, foreign=params.pasted is not None)
    if not isinstance(taken, tuple):
        return Refused(taken)
    prompt, choices = taken
    negative = readable(prompts.clean(params.negative or ""), within=params.prompt)
    steps = _steps(params, family)
    guidance = _guidance(params, steps, family)
    if negative and not (keep_guidance and params.guidance is not None):
        guidance = _guidance_for_negative(guidance, family)
    problem = (
        text_problem(prompt, negative)
        or negative_problem(negative, family)
        or mode_problem(params.start.mode if params.start else Mode.TEXT, family)
        or seed_problem(params.seed)
        or preset_problem(params, family)
        or effort_problem(steps, guidance, family)
        or range_problem("variety", params.variety, 0.0, 1.0)
        or range_problem("refine", params.refine, 0.0, MAX_REFINE)
        or start_problem(params.start)
        or region_problem(params)
        or (NoPresetsHere(params.preset) if params.preset is not None else None)
        or weight_problem(choices)
    )
    if problem is not None:
        return Refused(problem)
    size = size_for(params, family)
    if not isinstance(size, tuple):
        return Refused(size)
    uses = loras.uses(choices)
    if not isinstance(uses, tuple):
        return Refused(uses)
    seed = seeds() if params.seed is None else params.seed
    style = _random_style(seed, family) if params.random_style else params.style
    level = params.enhance or family.enhance
    enhanced = prompts.enhance(
        prompts.with_words(
            prompts.styled(prompt, _known_style(style, family)).prompt,
            words_of(uses),
        ),
        negative=negative,
        level=level,
        style=family.style,
        negative_works=family.pipeline_guidance(guidance) > 0,
        seed=seed,
        variety=params.variety,
        count=count,
        max_tokens=family.max_tokens,
    )
    start = params.start or InitImages(Mode.TEXT, ())
    request = ImageRequest(
        prompt=prompt,
        effective_prompt=enhanced.effective_prompt,
        negative_prompt=enhanced.negative_prompt,
        seed=seed,
        width_px=size[0],
        height_px=size[1],
        steps=steps,
        guidance=guidance,
        mode=start.mode,
        inputs=start.inputs,
        strength=strength_of(start),
        variety=float(params.variety),
        refine=float(params.refine),
        expand=level is EnhancementLevel.SMART,
        style=style,
        loras=uses,
        source_changes=start.changes,
        model=params.model or "",
    )
    resolved = _resolved(request, family)
    unknown = UnknownOptions(params.unknown_options) if params.unknown_options else None
    preset = PresetUsed(params.used_preset, params.left_out) if params.used_preset else None
    defaults = DefaultsUsed(params.defaults) if params.defaults else None
    notes = tuple(filter(None, (pasted_note(params, size), unknown, preset, defaults)))
    return dataclasses.replace(resolved, notes=(*notes, *resolved.notes))


def resolve_reroll(
    original: ImageRequest, seed: int | None, family: Family, seeds: SeedSource
) -> ResolvedRequest | Refused:
    """Repeat a request with exactly `seed`, or with a new seed if it is None.

    The original effective prompt is kept: enhancement may have changed since.
    """
    # Variations belong to their seed: with another seed they would only amount to yet another one.
    same = seed == original.seed
    return _repeat(
        original,
        family,
        seed=seeds() if seed is None else seed,
        variations=original.variations if same else (),
    )


def resolve_variation(
    original: ImageRequest, amount: float, family: Family, seeds: SeedSource
) -> ResolvedRequest | Refused:
    """Repeat a request with its noise turned a little further.

    amount: SUBTLE, STRONG or any other fraction, above 0 and up to 1.
    """
    problem = range_problem("variation", amount, 0.01, 1.0)
    if problem is not None:
        return Refused(problem)
    if len(original.variations) == MAX_VARIATIONS:
        return resolve_reroll(original, None, family, seeds)
    variations = (*original.variations, Variation(seeds(), float(amount)))
    return _repeat(original, family, variations=variations)


def resolve_upscale(
    original: ImageRequest, picture: str, family: Family, strength: float | None = None
) -> ResolvedRequest | Refused:
    """Repeat a request at twice the size, starting from its picture. picture: the pixels' hash."""
    start = InitImages(Mode.UPSCALE, (picture,), strength)
    problem = start_problem(start)
    if problem is not None:
        return Refused(problem)
    return _repeat(
        original,
        family,
        mode=start.mode,
        inputs=start.inputs,
        strength=strength_of(start),
        width_px=original.width_px * UPSCALE_FACTOR,
        height_px=original.height_px * UPSCALE_FACTOR,
        variations=(),
        refine=0.0,
        source_changes=(),
    )


def can_upscale(request: ImageRequest, family: Family) -> bool:
    """Return whether a picture with this request is small enough to be enlarged."""
    return not isinstance(resolve_upscale(request, "", family), Refused)


def _repeat(original: ImageRequest, family: Family, **changes: object) -> ResolvedRequest | Refused:
    fresh = dataclasses.replace(original, **changes)  # pyright: ignore[reportArgumentType]
    # The model may have been replaced by one with other bounds.
    problem = replay_problem(fresh, family)
    if problem is not None:
        return Refused(problem)
    return _resolved(fresh, family)


def _resolved(request: ImageRequest, family: Family) -> ResolvedRequest:
    added = prompts.addition(request.prompt, request.effective_prompt)
    return ResolvedRequest(request, added, request_notes(request, family))


def request_notes(request: ImageRequest, family: Family) -> tuple[Note, ...]:
    """Return what the requester should know about the request."""
    notes: list[Note] = []
    if request.negative_prompt and family.pipeline_guidance(request.guidance) <= 0:
        notes.append(NegativeIgnored())
    elif prompts.is_ours(request.negative_prompt):
        notes.append(NegativeAdded(request.negative_prompt))
    elif request.negative_prompt and request.guidance == family.negative_guidance:
        notes.append(NegativeGuidance(request.guidance))
    if request.guidance > family.warn_guidance:
        notes.append(HighGuidance(request.guidance, family.warn_guidance))
    short_px = min(request.width_px, request.height_px)
    if short_px < family.good_side_px:
        notes.append(SmallSide(short_px, family.good_side_px))
    words = words_of(request.loras)
    if request.style is not None:
        styled = prompts.styled(request.prompt, request.style)
        read = prompts.as_read(request.prompt, request.effective_prompt, request.style, words)
        if styled.clash or read not in (styled.prompt, prompts.with_words(styled.prompt, words)):
            notes.append(StyleIgnored(request.style, styled.clash))
    notes += (LoraTaken(each.name, each.style_word) for each in request.loras if each.style_word)
    if words and (added := prompts.missing_words(request.prompt, words)):
        notes.append(TriggerWordsAdded(added))
    if inert := prompts.inert_syntax(request.prompt):
        notes.append(InertSyntax(inert))
    if idle := prompts.idle_syntax(request.prompt):
        notes.append(SyntaxIgnored(idle))
    if family.vocabulary is not None:
        words = family.vocabulary()
        known = words.names_for(request.prompt)
        notes.append(LimitedModel(known, words.knows(request.prompt)))
    return (*notes, *source_notes(request, family))


def source_notes(request: ImageRequest, family: Family) -> tuple[Note, ...]:
    """Return what became of the pictures that were given for the request."""
    size, several = (request.width_px, request.height_px), request.mode is Mode.BLEND
    return source_change_notes(request.source_changes, size, family, several=several)


def source_change_notes(
    changes: Iterable[SourceChange], size: tuple[int, int], family: Family, *, several: bool = False
) -> tuple[Note, ...]:
    """Return a note for each change of a given picture. size: that it was fitted to."""
    # The longest ratio is worth saying only where it is the reason.
    at_limit = max(size) >= family.max_ratio * min(size) / SNAPPING
    longest = max(offered(family.max_ratio), key=_length) if at_limit else ""
    return tuple(source_change_note(each, several=several, longest=longest) for each in changes)


def _length(ratio: str) -> float:
    width, height = parse_aspect(ratio)
    return width / height


def replay_problem(request: ImageRequest, family: Family) -> Reason | None:
    """Return why a request read from a file, which anybody may have forged, cannot be generated."""
    start = InitImages(request.mode, request.inputs, request.strength)
    return (
        text_problem(request.prompt, request.negative_prompt)
        or feature_problem(request, family)
        or effective_problem(request.effective_prompt)
        or seed_problem(request.seed)
        or effort_problem(request.steps, request.guidance, family)
        or range_problem("refine", request.refine, 0.0, MAX_REFINE)
        or (None if request.mode is Mode.TEXT else start_problem(start))
        or size_problem(request.width_px, request.height_px, family, request.mode)
    )


def _steps(params: GenerationParams, family: Family) -> int:
    if params.steps is not None:
        return params.steps
    return family.default_steps if params.speed is None else family.speeds[params.speed]


def _guidance(params: GenerationParams, steps: int, family: Family) -> float:
    if params.guidance is not None:
        return float(params.guidance)
    return family.strict_guidance if params.strict else family.guidance_at(steps)


def _guidance_for_negative(guidance: float, family: Family) -> float:
    """Return the guidance to paint with where there is a negative prompt.

    It is raised only where the negative prompt would do nothing at all: guidance that acts is the
    requester's own choice.
    """
    acts = family.pipeline_guidance(guidance) > 0
    in_bounds = 1.0 <= guidance <= family.max_guidance
    if acts or not in_bounds or family.negative_guidance is None:
        return guidance
    return family.negative_guidance


def _random_style(seed: int, family: Family) -> PictureStyle | None:
    """Return the style that a seed chooses among those that the family paints; None for none."""
    known = [s for s in PictureStyle if family.known_styles is None or s in family.known_styles]
    return known[seed % len(known)] if known else None


def _known_style(style: PictureStyle | None, family: Family) -> PictureStyle | None:
    """Return a style if its words change what the family paints, else None."""
    return style if family.known_styles is None or style in family.known_styles else None
