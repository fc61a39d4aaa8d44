"""Apply the flags in a prompt to the request parameters. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request import flags
from bot.request.braces import Permutations, permutations
from bot.request.options import CONFLICTS, PARAMS
from bot.request.outcomes import (
    FlagError,
    FlagErrorKind,
    FlagProblem,
    ManyPermutations,
    Refused,
    StrengthWithoutImage,
    TooManyPermutations,
)
from bot.request.params import GenerationParams

MAX_PERMUTATIONS = 10
"""Prompts that the permutations of one prompt may expand to. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """Parameters whose prompt is free of flags, the number of pictures, and their visibility."""

    params: GenerationParams
    count: int
    private: bool


def apply_flags(params: GenerationParams, count: int, private: bool) -> ParsedRequest | Refused:
    """Merge the flags of a prompt into the parameters.

    An option and a flag that contradict each other are refused: one of them would silently have no
    effect. A prompt with more than one permutation is refused with `ManyPermutations`, which holds
    everything needed to ask for confirmation.
    """
    parsed = apply_flags_to_each(params, count, private)
    if isinstance(parsed, Refused):
        return parsed
    total = len(parsed)
    return parsed[0] if total == 1 else Refused(ManyPermutations(total, params, count, private))


def apply_flags_to_each(
    params: GenerationParams, count: int, private: bool
) -> tuple[ParsedRequest, ...] | Refused:
    """Apply flags to every permutation of the prompt, in the order of `expand_prompts`."""
    expanded = expand_prompts(params.prompt)
    if isinstance(expanded, Refused):
        return expanded
    parsed: list[ParsedRequest] = []
    for text in expanded.prompts:
        applied = _apply(dataclasses.replace(params, prompt=text), count, private)
        if isinstance(applied, Refused):
            return applied
        parsed.append(applied)
    return tuple(parsed)


def expand_prompts(prompt: str) -> Permutations | Refused:
    """Return each permutation as it could have been typed on its own, with its flags.

    There are 1 to MAX_PERMUTATIONS of them; more are refused.
    """
    expanded = permutations(prompt, MAX_PERMUTATIONS)
    if isinstance(expanded, FlagError):
        return Refused(FlagProblem(expanded))
    if expanded.total > MAX_PERMUTATIONS:
        return Refused(TooManyPermutations(expanded.total, MAX_PERMUTATIONS))
    return expanded


def _apply(params: GenerationParams, count: int, private: bool) -> ParsedRequest | Refused:
    """Apply the flags of one permutation, whose escaped braces are already unescaped."""
    parsed = flags.parse_expanded(params.prompt)
    if isinstance(parsed, FlagError):
        return Refused(FlagProblem(parsed))
    given = {name: parsed.given[name] for name in PARAMS if name in parsed.given}
    defaults = {field.name: field.default for field in dataclasses.fields(GenerationParams)}
    for name, value in given.items():
        if getattr(params, name) not in (defaults[name], value):
            return Refused(FlagProblem(_given_twice(name)))
    for name in given:
        conflict = next(
            (each for each in _conflicting(name) if getattr(params, each) != defaults[each]), None
        )
        if conflict is not None:
            return Refused(
                FlagProblem(FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(conflict,)))
            )
    if "count" in parsed.given and count not in (1, parsed.pictures):
        return Refused(FlagProblem(_given_twice("count")))
    start, strength = params.start, parsed.given.get("strength")
    if strength is not None:
        if start is None:
            return Refused(StrengthWithoutImage())
        if start.strength not in (None, strength):
            return Refused(FlagProblem(_given_twice("strength")))
        start = dataclasses.replace(start, strength=strength)
    plain = dataclasses.replace(params, prompt=parsed.prompt, start=start, **given)
    return ParsedRequest(
        plain, parsed.given.get("count", count), parsed.given.get("private", private)
    )


def _conflicting(name: str) -> list[str]:
    """Return options that set the same thing: one of the two would silently have no effect."""
    pairs = [*CONFLICTS.items(), *((other, name) for name, other in CONFLICTS.items())]
    return [other for owner, other in pairs if owner == name]


def _given_twice(name: str) -> FlagError:
    return FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(name,))
