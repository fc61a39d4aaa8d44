"""A wish with the flags in its prompt obeyed. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request import flags
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
"""So many wishes one prompt may make."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A wish without flags, how many pictures of it, and for whose eyes."""

    params: GenerationParams
    count: int
    private: bool


def apply_flags(params: GenerationParams, count: int, private: bool) -> ParsedRequest | Refused:
    """What a prompt's flags say becomes part of the wish.

    What is said both by an option and by a flag, and not alike, is refused: one of them would
    silently do nothing. Choices in braces that make more than one wish are refused with all that
    is needed to ask about them.
    """
    found = apply_flags_to_each(params, count, private)
    if isinstance(found, Refused):
        return found
    total = len(found)
    return found[0] if total == 1 else Refused(ManyPermutations(total, params, count, private))


def apply_flags_to_each(
    params: GenerationParams, count: int, private: bool
) -> tuple[ParsedRequest, ...] | Refused:
    """What each way to choose asks for, as obeyed(); in the order of written()."""
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
    """Each way to choose as it could have been typed by itself, flags included; 1..MAX_CHOICES."""
    choices = flags.permutations(prompt, MAX_PERMUTATIONS)
    if isinstance(choices, FlagError):
        return Refused(FlagProblem(choices))
    if choices.total > MAX_PERMUTATIONS:
        return Refused(TooManyPermutations(choices.total, MAX_PERMUTATIONS))
    return choices.prompts


def _apply(params: GenerationParams, count: int, private: bool) -> ParsedRequest | Refused:
    """Apply the flags of one permutation, whose braces have lost their backslashes."""
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
    """Other options that decide the same thing: one of the two would silently do nothing."""
    pairs = [*CONFLICTS.items(), *((other, name) for name, other in CONFLICTS.items())]
    return [other for each, other in pairs if each == name]


def _given_twice(name: str) -> FlagError:
    return FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(name,))
