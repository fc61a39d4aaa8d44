"""How another program made a picture, as far as it means anything here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_SHOWN_SETTINGS: Final = 12
"""Chosen by hand, as many as web UIs usually write."""


@dataclass(frozen=True, slots=True)
class ForeignRecipe:
    """A recipe by another program.

    program: its name, "" if the file does not tell. prompt, negative: cleaned, like typed ones.
    seed, size: (width_px, height_px), as written, None where they are missing. settings: names of
    what else the file says and this bot does not take.
    """

    program: str
    prompt: str
    negative: str = ""
    seed: int | None = None
    size: tuple[int, int] | None = None
    settings: tuple[str, ...] = ()
