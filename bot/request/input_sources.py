"""Where the pictures come from that somebody wants to paint from, and how far to go. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from bot.request.outcomes import OutOfRange, Refused
from engine.types import Mode


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A file at Discord. size_bytes: as declared, None where nobody says."""

    url: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class PictureSource:
    """One of the bot's own pictures; picture and anyones are as for Painter.find."""

    picture: str
    anyones: bool = False


@dataclass(frozen=True, slots=True)
class StagedSource:
    """A picture that Starts.keep() put aside until its person has found the words.

    seal: shows that it was put aside for this very person. The hash alone would not do: it stands
    in the recipe of every picture that was painted from it.
    """

    sha256: str
    signature: str


InputSource = UrlSource | PictureSource | StagedSource


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a picture shall begin with.

    sources: as many as the mode takes, in its order; for Mode.INPAINT without a mask the picture
    alone, and what is transparent in it is painted anew. strength: None = what suits the mode.
    """

    mode: Mode
    sources: tuple[InputSource, ...]
    strength: float | None = None


MIN_STRENGTH: Final = 0.01
_STRENGTH: Final = re.compile(r"(\d{0,3}[.,]?\d{0,6})\s?(%?)")


def parse_strength(typed: str) -> float | Refused | None:
    """What somebody typed for the strength: "0.75", "0,75" or "75 %"; None for nothing."""
    text = unicodedata.normalize("NFKC", typed).strip()
    if not text:
        return None
    match = _STRENGTH.fullmatch(text)
    if match is not None and any(map(str.isdigit, match[1])):
        number = float(match[1].replace(",", ".")) / (100 if match[2] else 1)
        if MIN_STRENGTH <= number <= 1:
            return number
    return Refused(OutOfRange("strength", f"“{text[:20]}”", MIN_STRENGTH, 1.0))
