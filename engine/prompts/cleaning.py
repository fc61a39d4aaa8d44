"""Turn typed text into safe text. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_PROMPT_CHARS = 2000
"""More than this exceeds the model's 512 tokens in any language it knows."""

_JOINERS = "\u200c\u200d"
_DRAWN_AS_NOTHING = "\u115f\u1160\u2800\u3164\uffa0"
# Beside these a joiner or a variation selector does nothing: Latin, dashes, Chinese, full width.
_UNJOINED = (
    r"\s\x00-\x7f\u2010-\u2015\u2212\u2e3a\ufe63\u3000-\u3029\u3030\u3400-\u9fff\uff01-\uff5e"
)
_IDLE_JOINERS = re.compile(
    rf"(?<![^{_UNJOINED}])[\u200c\u200d\u034f\ufe00-\ufe0f]+(?![^{_UNJOINED}])"
)


def clean(text: str) -> str:
    """Make typed text safe to store and show: NFC, single spaces, nothing invisible.

    Control characters, lone surrogates and zero-width characters are removed (joiners stay where
    emoji and several scripts need them). A text without visible characters becomes "".
    """
    kept = "".join(character for character in text if _is_kept(character))
    # Composed last: letters and accents may have become neighbours only now.
    composed = _IDLE_JOINERS.sub("", unicodedata.normalize("NFC", kept))
    collapsed = " ".join(composed.split())
    return collapsed if any(map(_is_visible, collapsed)) else ""


def visible(text: str) -> str:
    """Return the text without the invisible characters that `clean` removes; all else stays."""
    if text.isascii() and text.isprintable():
        return text
    return _IDLE_JOINERS.sub("", "".join(each for each in text if _is_kept(each)))


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
