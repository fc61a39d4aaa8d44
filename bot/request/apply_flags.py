"""A wish with the flags in its prompt obeyed. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request import flags
from bot.request.flag_syntax import CONFLICTS
from bot.request.flags import ParsedPrompt
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

_SHARED = [
    "aspect",
    "size",
    "seed",
    "steps",
    "speed",
    "guidance",
    "strict",
    "negative",
    "enhance",
    "variety",
    "refine",
    "style",
]
"""Fields of both `Wish` and `Flagged`."""


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
    """One choice, whose prompt has no backslashes for braces any more."""
    found = flags.parse_expanded(params.prompt)
    if isinstance(found, FlagError):
        return Refused(FlagProblem(found))
    said = _given_values(found)
    usual = {field.name: field.default for field in dataclasses.fields(GenerationParams)}
    for name, value in said.items():
        chosen = getattr(params, name)
        if chosen not in (usual[name], value):
            return Refused(FlagProblem(_given_twice(name)))
    for name in said:
        other = next(
            (each for each in _conflicting(name) if getattr(params, each) != usual[each]), None
        )
        if other is not None:
            return Refused(
                FlagProblem(FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(other,)))
            )
    if found.count is not None and count not in (1, found.count):
        return Refused(FlagProblem(_given_twice("count")))
    start = params.start
    if found.strength is not None:
        if start is None:
            return Refused(StrengthWithoutImage())
        if start.strength not in (None, found.strength):
            return Refused(FlagProblem(_given_twice("strength")))
        start = dataclasses.replace(start, strength=found.strength)
    plain = dataclasses.replace(params, prompt=found.prompt, start=start, **said)
    return ParsedRequest(
        plain, found.count or count, private if found.private is None else found.private
    )


def _given_values(found: ParsedPrompt) -> dict[str, object]:
    values = {name: getattr(found, name) for name in _SHARED}
    return {name: value for name, value in values.items() if value is not None}


def _conflicting(name: str) -> list[str]:
    """Other fields that decide the same thing: one of both would silently do nothing."""
    pairs = [*CONFLICTS.items(), *((other, name) for name, other in CONFLICTS.items())]
    return [other for each, other in pairs if each == name]


def _given_twice(name: str) -> FlagError:
    return FlagError(FlagErrorKind.TWICE, f"--{name}", expected=(name,))
