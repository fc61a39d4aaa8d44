"""What was chosen from closed lists becomes part of a wish. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum

from bot.request.outcomes import FlagError, FlagErrorKind, FlagProblem, Refused
from bot.request.params import GenerationParams
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle

_ENUMS: Mapping[str, type[StrEnum]] = {
    "style": PictureStyle,
    "speed": Speed,
    "enhance": EnhancementLevel,
}


def apply_choices(params: GenerationParams, **values: str | None) -> GenerationParams | Refused:
    """The wish with these choices by the names of their fields; None = left to us.

    A value that is in no list, perhaps of another version's command, is refused in words.
    """
    found: dict[str, StrEnum] = {}
    for name, value in values.items():
        if value is None:
            continue
        kind = _ENUMS[name]
        if value not in set(kind):
            bad = FlagError(FlagErrorKind.BAD_VALUE, f"--{name}", value, tuple(kind))
            return Refused(FlagProblem(bad))
        found[name] = kind(value)
    return dataclasses.replace(params, **found)  # pyright: ignore[reportArgumentType]
