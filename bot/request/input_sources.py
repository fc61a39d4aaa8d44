"""Where source images come from, and the strength with which they are repainted. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from bot.request.notes import Note
from bot.request.outcomes import OutOfRange, Refused
from bot.request.values.regions import Region
from engine.types import Mode, SourceChange


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A file on Discord's servers. size_bytes: the declared size, None if unknown."""

    url: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class PictureSource:
    """One of the bot's own pictures; picture and anyones as for `OriginalPictures.find`."""

    picture: str
    anyones: bool = False


@dataclass(frozen=True, slots=True)
class StagedSource:
    """A picture that `ImageToImageService.stage` stored until its requester has written a prompt.

    signature: proves that it was staged for this requester. The hash alone would not: it is in the
    recipe of every picture made from the image. changes: what became of the given picture, to be
    said with the result. notes: on these, to be said when it is staged; alone not in the custom_id.
    """

    sha256: str
    signature: str
    notes: tuple[Note, ...] = ()
    changes: tuple[SourceChange, ...] = ()


InputSource = UrlSource | PictureSource | StagedSource


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The source images of a request.

    sources: as many as the mode takes, in its order; for Mode.INPAINT without a mask only the
    picture. strength: None = the mode's default. region: what is repainted without a mask; None =
    the transparent area of the picture.
    """

    mode: Mode
    sources: tuple[InputSource, ...]
    strength: float | None = None
    region: Region | None = None


MIN_STRENGTH: Final = 0.01
"""Chosen by hand; with no noise at all nothing would be repainted."""
_STRENGTH: Final = re.compile(r"(\d{0,3}[.,]?\d{0,6})\s?(%?)")


def parse_strength(typed: str) -> float | Refused | None:
    """Parse a typed strength: "0.75", "0,75" or "75 %". None for an empty text."""
    text = unicodedata.normalize("NFKC", typed).strip()
    if not text:
        return None
    match = _STRENGTH.fullmatch(text)
    if match is not None and any(map(str.isdigit, match[1])):
        number = float(match[1].replace(",", ".")) / (100 if match[2] else 1)
        if MIN_STRENGTH <= number <= 1:
            return number
    return Refused(OutOfRange("strength", f"“{text[:20]}”", MIN_STRENGTH, 1.0))
