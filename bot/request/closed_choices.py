"""What was chosen from closed lists becomes part of a wish. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum

from bot.request.bad_flags import BadFlag, BadKind
from bot.request.outcomes import FlagProblem, Refused
from bot.request.params import Wish
from engine.diffusion.families import Speed
from engine.prompts import Level, PictureStyle

_LISTS: Mapping[str, type[StrEnum]] = {
    "style": PictureStyle,
    "speed": Speed,
    "enhance": Level,
}


def chosen(wish: Wish, **values: str | None) -> Wish | Refused:
    """The wish with these choices by the names of their fields; None = left to us.

    A value that is in no list, perhaps of another version's command, is refused in words.
    """
    found: dict[str, StrEnum] = {}
    for name, value in values.items():
        if value is None:
            continue
        kind = _LISTS[name]
        if value not in set(kind):
            bad = BadFlag(BadKind.BAD_VALUE, f"--{name}", value, tuple(kind))
            return Refused(FlagProblem(bad))
        found[name] = kind(value)
    return dataclasses.replace(wish, **found)  # pyright: ignore[reportArgumentType]
