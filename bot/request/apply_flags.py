"""A wish with the flags in its prompt obeyed. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request import flags
from bot.request.bad_flags import BadFlag, BadKind
from bot.request.flag_syntax import DECIDES
from bot.request.flags import Flagged
from bot.request.outcomes import FlagProblem, ManyChoices, Refused, StrengthIdle, TooManyChoices
from bot.request.params import Wish

MAX_CHOICES = 10
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
class Asked:
    """A wish without flags, how many pictures of it, and for whose eyes."""

    wish: Wish
    count: int
    private: bool


def obeyed(wish: Wish, count: int, private: bool) -> Asked | Refused:
    """What a prompt's flags say becomes part of the wish.

    What is said both by an option and by a flag, and not alike, is refused: one of them would
    silently do nothing. Choices in braces that make more than one wish are refused with all that
    is needed to ask about them.
    """
    found = every(wish, count, private)
    if isinstance(found, Refused):
        return found
    total = len(found)
    return found[0] if total == 1 else Refused(ManyChoices(total, wish, count, private))


def every(wish: Wish, count: int, private: bool) -> tuple[Asked, ...] | Refused:
    """What each way to choose asks for, as obeyed(); in the order of written()."""
    texts = written(wish.prompt)
    if isinstance(texts, Refused):
        return texts
    asked: list[Asked] = []
    for text in texts:
        found = _obeyed(dataclasses.replace(wish, prompt=text), count, private)
        if isinstance(found, Refused):
            return found
        asked.append(found)
    return tuple(asked)


def written(prompt: str) -> tuple[str, ...] | Refused:
    """Each way to choose as it could have been typed by itself, flags included; 1..MAX_CHOICES."""
    choices = flags.permutations(prompt, MAX_CHOICES)
    if isinstance(choices, BadFlag):
        return Refused(FlagProblem(choices))
    if choices.total > MAX_CHOICES:
        return Refused(TooManyChoices(choices.total, MAX_CHOICES))
    return choices.prompts


def _obeyed(wish: Wish, count: int, private: bool) -> Asked | Refused:
    """One choice, whose prompt has no backslashes for braces any more."""
    found = flags.parse_chosen(wish.prompt)
    if isinstance(found, BadFlag):
        return Refused(FlagProblem(found))
    said = _said(found)
    usual = {field.name: field.default for field in dataclasses.fields(Wish)}
    for name, value in said.items():
        chosen = getattr(wish, name)
        if chosen not in (usual[name], value):
            return Refused(FlagProblem(_twice(name)))
    for name in said:
        other = next((each for each in _rivals(name) if getattr(wish, each) != usual[each]), None)
        if other is not None:
            return Refused(FlagProblem(BadFlag(BadKind.TWICE, f"--{name}", expected=(other,))))
    if found.count is not None and count not in (1, found.count):
        return Refused(FlagProblem(_twice("count")))
    start = wish.start
    if found.strength is not None:
        if start is None:
            return Refused(StrengthIdle())
        if start.strength not in (None, found.strength):
            return Refused(FlagProblem(_twice("strength")))
        start = dataclasses.replace(start, strength=found.strength)
    plain = dataclasses.replace(wish, prompt=found.prompt, start=start, **said)
    return Asked(plain, found.count or count, private if found.private is None else found.private)


def _said(found: Flagged) -> dict[str, object]:
    values = {name: getattr(found, name) for name in _SHARED}
    return {name: value for name, value in values.items() if value is not None}


def _rivals(name: str) -> list[str]:
    """Other fields that decide the same thing: one of both would silently do nothing."""
    pairs = [*DECIDES.items(), *((other, name) for name, other in DECIDES.items())]
    return [other for each, other in pairs if each == name]


def _twice(name: str) -> BadFlag:
    return BadFlag(BadKind.TWICE, f"--{name}", expected=(name,))
