"""Turn typed text into safe text. Pure."""

from __future__ import annotations

import unicodedata

MAX_PROMPT_CHARS = 2000
"""More than this exceeds the model's 512 tokens in any language it knows."""

_JOINERS = "\u200c\u200d"
_DRAWN_AS_NOTHING = "\u115f\u1160\u2800\u3164\uffa0"


def clean(text: str) -> str:
    """Make typed text safe to store and show: NFC, single spaces, nothing invisible.

    Control characters, lone surrogates and zero-width characters are removed (joiners stay: emoji
    and several scripts need them). A text without visible characters becomes "".
    """
    kept = "".join(character for character in text if _is_kept(character))
    # Composed last: letters and accents may have become neighbours only now.
    collapsed = " ".join(unicodedata.normalize("NFC", kept).split())
    return collapsed if any(map(_is_visible, collapsed)) else ""


def _is_kept(character: str) -> bool:
    if character in _JOINERS or character.isspace():
        return True
    category = unicodedata.category(character)
    return _is_new(character) if category == "Cn" else category not in {"Cc", "Cf", "Cs", "Co"}


def _is_new(character: str) -> bool:
    """Whether it is unassigned in this Python's tables but valid: an emoji of a later Unicode."""
    code = ord(character)
    return code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code <= 0xFDEF


def _is_visible(character: str) -> bool:
    # Letters, numbers, punctuation and symbols, except those that are drawn as nothing.
    drawn = unicodedata.category(character)[0] in "LNPS" or unicodedata.category(character) == "Cn"
    return drawn and character not in _DRAWN_AS_NOTHING
