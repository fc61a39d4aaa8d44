"""Resolve request parameters to a fully specified image request, or refuse them.

Pure but for LoRAs, which are chosen from what is in their folder now.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

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
    BadAspect,
    BadSize,
    EmptyPrompt,
    NegativeUnsupported,
    OutOfRange,
    PresetContradicted,
    Quantity,
    Reason,
    Refused,
    RegionUnused,
    ResolvedRequest,
    SizeTooLarge,
    TextField,
    TextTooLong,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.reasons.presets import NoPresetsHere
from bot.request.values.loras import Choices, without_none
from engine import prompts
from engine.diffusion.families import Family, Feature
from engine.loras import MAX_WEIGHT, words_of
from engine.prompts import Count, EnhancementLevel, PictureStyle
from engine.sizing import GRID_PX, cut_share, offered, parse_aspect, ratio_fits, size_for_aspect
from engine.types import MAX_SEED, MAX_VARIATIONS, ImageRequest, Mode, SourceChange, Variation

SeedSource = Callable[[], int]
"""Draws a new seed, 0..MAX_SEED."""

SUBTLE, STRONG = 0.2, 0.6
"""How far a variation turns the noise: a subtle change of mood, or another take on the picture.
Chosen by hand."""
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
UPSCALE_FACTOR = 2
_SNAPPING = 1.05
"""How far snapping to the grid of 16 pixels may stretch an aspect ratio. Chosen by hand."""
MAX_UNSAID_CUT = 0.05
"""The share of a source image that may be cut off without a word. Chosen by hand."""
_CLOSER = 2.0
"""How much more shape counts than area where a size cuts off too much: no shape that a family
paints loses 5 % then (measured over 4000 ratios for 256 and 1024 px; 7 % of some without it)."""
_MAX_EFFECTIVE_CHARS = 2 * prompts.MAX_PROMPT_CHARS
"""Length of a prompt with the words that enhancement or the model add. Chosen by hand."""


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
        _text_problem(prompt, negative)
        or _negative_problem(negative, family)
        or mode_problem(params.start.mode if params.start else Mode.TEXT, family)
        or seed_problem(params.seed)
        or _preset_problem(params, family)
        or _effort_problem(steps, guidance, family)
        or _range_problem("variety", params.variety, 0.0, 1.0)
        or _range_problem("refine", params.refine, 0.0, MAX_REFINE)
        or _start_problem(params.start)
        or _region_problem(params)
        or (NoPresetsHere(params.preset) if params.preset is not None else None)
        or _weight_problem(choices)
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
        strength=_strength(start),
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
    problem = _range_problem("variation", amount, 0.01, 1.0)
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
    problem = _start_problem(start)
    if problem is not None:
        return Refused(problem)
    return _repeat(
        original,
        family,
        mode=start.mode,
        inputs=start.inputs,
        strength=_strength(start),
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
    at_limit = max(size) >= family.max_ratio * min(size) / _SNAPPING
    longest = max(offered(family.max_ratio), key=_length) if at_limit else ""
    return tuple(source_change_note(each, several=several, longest=longest) for each in changes)


def _length(ratio: str) -> float:
    width, height = parse_aspect(ratio)
    return width / height


def seed_problem(seed: int | None) -> Reason | None:
    """Return why this seed cannot be used; None if it can."""
    return None if seed is None else _range_problem("seed", seed, 0, MAX_SEED)


def replay_problem(request: ImageRequest, family: Family) -> Reason | None:
    """Return why a request read from a file, which anybody may have forged, cannot be generated."""
    start = InitImages(request.mode, request.inputs, request.strength)
    return (
        _text_problem(request.prompt, request.negative_prompt)
        or feature_problem(request, family)
        or _effective_problem(request.effective_prompt)
        or seed_problem(request.seed)
        or _effort_problem(request.steps, request.guidance, family)
        or _range_problem("refine", request.refine, 0.0, MAX_REFINE)
        or (None if request.mode is Mode.TEXT else _start_problem(start))
        or size_problem(request.width_px, request.height_px, family, request.mode)
    )


def size_problem(
    width_px: int, height_px: int, family: Family, mode: Mode = Mode.TEXT
) -> Reason | None:
    """Return why this size cannot be generated; None if it can."""
    factor = UPSCALE_FACTOR if mode is Mode.UPSCALE else 1
    sides = (width_px, height_px)
    fits = (
        all(side % (GRID_PX * factor) == 0 for side in sides)
        and min(sides) >= family.min_side_px
        and max(sides) <= family.max_side_px * factor
    )
    if not fits:
        max_side_px = family.max_side_px * factor
        return BadSize(width_px, height_px, family.min_side_px, max_side_px, GRID_PX * factor)
    if not ratio_fits(width_px, height_px, family.max_ratio * _SNAPPING):
        return BadAspect(f"{width_px}:{height_px}", offered(family.max_ratio))
    if width_px * height_px > family.max_pixels * factor**2:
        advised = size_for_aspect(width_px, height_px, family.budget_px)
        return SizeTooLarge(width_px, height_px, *advised, mode is Mode.UPSCALE)
    return None


def size_for(
    params: GenerationParams, family: Family, source: tuple[int, int] | None = None
) -> tuple[int, int] | Reason:
    """Return (width_px, height_px) of the picture, or why it has none.

    source: the size of the source image, whose aspect ratio is the default.
    """
    if params.size is not None:
        mode = params.start.mode if params.start else Mode.TEXT
        return size_problem(*params.size, family, mode) or params.size
    if params.aspect is None and source is None:
        if params.pasted is not None and params.pasted.size is not None:
            return nearest_size(params.pasted.size, family)
        return family.native_side_px, family.native_side_px
    if params.aspect is None:
        assert source is not None
        return _size_like(source, family)
    try:
        ratio = parse_aspect(params.aspect)
    except ValueError:
        return BadAspect(params.aspect, offered(family.max_ratio))
    if not ratio_fits(*ratio, family.max_ratio):
        return BadAspect(params.aspect, offered(family.max_ratio))
    size = size_for_aspect(*ratio, family.budget_px)
    return size_problem(*size, family) or size


def nearest_size(size: tuple[int, int], family: Family) -> tuple[int, int]:
    """Return this size if it can be painted, else the nearest one of its aspect ratio."""
    if size_problem(*size, family) is None:
        return size
    ratio = _clamped(size, family.max_ratio)
    for budget_px in (min(size[0] * size[1], family.budget_px), family.budget_px):
        nearest = size_for_aspect(*ratio, budget_px)
        if size_problem(*nearest, family) is None:
            return nearest
    return family.native_side_px, family.native_side_px


def _size_like(source: tuple[int, int], family: Family) -> tuple[int, int]:
    """Return the size for a picture's aspect ratio; if much is cut off, the one that loses less."""
    ratio = _clamped(source, family.max_ratio)
    usual = size_for_aspect(*ratio, family.budget_px)
    if cut_share(source, usual) <= MAX_UNSAID_CUT:
        return usual
    closer = size_for_aspect(*ratio, family.budget_px, _CLOSER)
    return min(usual, closer, key=lambda size: cut_share(source, size))


def _clamped(source: tuple[int, int], max_ratio: float) -> tuple[int, int]:
    """Return the aspect ratio of a picture, or the nearest one that the model supports."""
    width, height = (1000 * side for side in source)  # for the rounding of small pictures
    longest = int(max_ratio * min(width, height))
    return min(width, longest), min(height, longest)


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


def _strength(start: InitImages) -> float:
    usual = DEFAULT_STRENGTHS.get(start.mode, 1.0)
    return usual if start.strength is None else float(start.strength)


def _preset_problem(params: GenerationParams, family: Family) -> Reason | None:
    """Return why a number and a name for a number do not agree; None if they do."""
    steps, speed, guidance = params.steps, params.speed, params.guidance
    if steps is not None and speed is not None and steps != family.speeds[speed]:
        return PresetContradicted("steps", steps, "speed", speed.value, family.speeds[speed])
    if guidance is not None and params.strict and guidance != family.strict_guidance:
        means = family.strict_guidance
        return PresetContradicted("guidance", guidance, "strict", "strict", means)
    return None


def _region_problem(params: GenerationParams) -> Reason | None:
    """Return why the region does nothing. Once the source image is there, its mask has the part."""
    start = params.start
    applies = start is not None and not start.inputs and start.mode in (Mode.IMAGE, Mode.INPAINT)
    return None if params.region is None or applies else RegionUnused()


def _weight_problem(choices: Choices) -> Reason | None:
    weights = (each.weight for each in choices if each.weight is not None)
    found = (_range_problem("lora", weight, -MAX_WEIGHT, MAX_WEIGHT) for weight in weights)
    return next(filter(None, found), None)


def _start_problem(start: InitImages | None) -> Reason | None:
    if start is None:
        return None
    highest = MAX_REFINE if start.mode is Mode.UPSCALE else 1.0
    return _range_problem("strength", _strength(start), 0.01, highest)


def _text_problem(prompt: str, negative: str) -> Reason | None:
    if not prompt:
        return EmptyPrompt()
    texts: tuple[tuple[TextField, str], ...] = (("prompt", prompt), ("negative", negative))
    for what, text in texts:
        if len(text) > prompts.MAX_PROMPT_CHARS:
            return TextTooLong(what, len(text), prompts.MAX_PROMPT_CHARS)
    return None


def _negative_problem(negative: str, family: Family) -> Reason | None:
    unsupported = negative and not family.supports(Feature.NEGATIVE)
    return NegativeUnsupported() if unsupported else None


def _effective_problem(text: str) -> Reason | None:
    if len(text) > _MAX_EFFECTIVE_CHARS:
        return TextTooLong("prompt", len(text), _MAX_EFFECTIVE_CHARS)
    return None


def _effort_problem(steps: int, guidance: float, family: Family) -> Reason | None:
    return _range_problem("steps", steps, 1, family.max_steps) or _range_problem(
        "guidance", guidance, 1.0, family.max_guidance
    )


def _range_problem(what: Quantity, value: float, low: float, high: float) -> Reason | None:
    if low <= value <= high:  # never true of NaN
        return None
    return OutOfRange(what, value, low, high)
