"""Determine the language and the script of a text. Pure."""

from __future__ import annotations

import unicodedata
from typing import Literal

Language = Literal["en", "zh"]


def language(text: str) -> Language:
    """Chinese if at least a third of the letters are Han characters, English otherwise."""
    letters = [character for character in text if character.isalpha()]
    han = sum(1 for character in letters if is_han(character))
    return "zh" if letters and han * 3 >= len(letters) else "en"


def is_han(character: str) -> bool:
    """Whether this is a Chinese character (Japanese and Korean use some of them too)."""
    return "\u3400" <= character <= "\u9fff"


def is_foreign(text: str) -> bool:
    """Whether the text is in a script that no lexicon here covers.

    True if most letters are neither Latin nor Han, or if there are kana: half of Japanese is Han,
    with other meanings.
    """
    letters = [character for character in text if character.isalpha()]
    known = sum(1 for character in letters if is_han(character) or _is_latin(character))
    kana = sum(1 for character in letters if "\u3040" <= character <= "\u30ff")
    return known * 2 < len(letters) or kana * 4 > len(letters)


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN"))
