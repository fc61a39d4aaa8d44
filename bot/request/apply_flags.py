"""Apply the flags in a prompt to the request parameters. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request import flags
from bot.request.bad_flags import FlagError, FlagErrorKind
from bot.request.options import CONFLICTS, PARAMS
from bot.request.outcomes import (
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
    found = apply_flags_to_each(params, count, private)
    if isinstance(found, Refused):
        return found
    total = len(found)
    return found[0] if total == 1 else Refused(ManyPermutations(total, params, count, private))


def apply_flags_to_each(
    params: GenerationParams, count: int, private: bool
) -> tuple[ParsedRequest, ...] | Refused:
    """Apply flags to every permutation of the prompt, in the order of `expand_prompts`."""
    texts = expand_prompts(params.prompt)
    if isinstance(texts, Refused):
        return texts
    asked: list[ParsedRequest] = []
    for text in texts:
        found = _apply(dataclasses.replace(params, prompt=text), count, private)
        if isinstance(found, Refused):
            return found
        asked.append(found)
    return tuple(asked)


def expand_prompts(prompt: str) -> tuple[str, ...] | Refused:
    """Return each permutation as it could have been typed on its own, with its flags.

    There are 1 to MAX_PERMUTATIONS of them; more are refused.
    """
    choices = flags.permutations(prompt, MAX_PERMUTATIONS)
    if isinstance(choices, FlagError):
        return Refused(FlagProblem(choices))
    if choices.total > MAX_PERMUTATIONS:
        return Refused(TooManyPermutations(choices.total, MAX_PERMUTATIONS))
    return choices.prompts


def _apply(params: GenerationParams, count: int, private: bool) -> ParsedRequest | Refused:
    """Apply the flags of one permutation, whose escaped braces are already unescaped."""
    found = flags.parse_expanded(params.prompt)
    if isinstance(found, FlagError):
        return Refused(FlagProblem(found))
    given = {name: found.given[name] for name in PARAMS if name in found.given}
    defaults = {field.name: field.default for field in dataclasses.fields(GenerationParams)}
    for name, value in given.items():
        if getattr(params, name) not in (defaults[name], value):
            return Refused(FlagProblem(_given_twice(name)))
    for name in given:
        other = next(
            (each for each in _conflicting(name) if getattr(params, each) != defaults[each]), None
        )
        if other is not None:
            return Refused(
                FlagProblem(FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(other,)))
            )
    if "count" in found.given and count not in (1, found.pictures):
        return Refused(FlagProblem(_given_twice("count")))
    start, strength = params.start, found.given.get("strength")
    if strength is not None:
        if start is None:
            return Refused(StrengthWithoutImage())
        if start.strength not in (None, strength):
            return Refused(FlagProblem(_given_twice("strength")))
        start = dataclasses.replace(start, strength=strength)
    plain = dataclasses.replace(params, prompt=found.prompt, start=start, **given)
    return ParsedRequest(
        plain, found.given.get("count", count), found.given.get("private", private)
    )


def _conflicting(name: str) -> list[str]:
    """Return options that set the same thing: one of the two would silently have no effect."""
    pairs = [*CONFLICTS.items(), *((other, name) for name, other in CONFLICTS.items())]
    return [other for each, other in pairs if each == name]


def _given_twice(name: str) -> FlagError:
    return FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(name,))
