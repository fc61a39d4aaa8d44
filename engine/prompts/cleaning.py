"""Turn typed text into safe text. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_PROMPT_CHARS = 2000
"""More than this exceeds the model's 512 tokens in any language it knows."""

_JOINERS = "\u200c\u200d"
_DRAWN_AS_NOTHING = "\u115f\u1160\u2800\u3164\uffa0"
_ATTACHED_OBJECT = "\ufffc"
"""What copying leaves of a picture between words."""
# Beside these a joiner or a variation selector does nothing: Latin, dashes, Chinese, full width.
_UNJOINED = (
    r"\s\x00-\x7f\u2010-\u2015\u2212\u2e3a\ufe63\u3000-\u3029\u3030\u3400-\u9fff\uff01-\uff5e"
)
_SELECTORS = "\u034f\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
# A selector belongs to the character before it; only keycaps, as in 1️⃣, have one behind a digit.
_IDLE_JOINERS = re.compile(
    rf"(?<![^{_UNJOINED}])(?:[{_JOINERS}{_SELECTORS}]+(?![^{_UNJOINED}])|[{_SELECTORS}]+(?!\u20e3))"
)
_MONGOLIAN = "\u180b-\u180d\u1820-\u18aa"
_NEEDED = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f"
    rf"|(?<=[{_MONGOLIAN}])\u180e(?=[{_MONGOLIAN}]))"
)
"""Invisible characters that are drawn: the flags of regions such as Scotland, and Mongolian."""
_JAMO = r"\u115f(?=[\u1161-\u11ff\ud7b0-\ud7fb])|(?<=[\u1100-\u115e\ua960-\ua97c])\u1160"
_JAMO += r"|\u115f\u1160(?=[\u11a8-\u11ff\ud7cb-\ud7fb])"
_BLANK = re.compile(rf"({_JAMO})|[{_DRAWN_AS_NOTHING}]")
"""Characters that are drawn as a gap; group 1: where old Korean needs one to fill a syllable."""
_WORD = re.compile(r"\S+")
_HYPHENS, _DASHES = r"\-\u2010\u2011\ufe63\uff0d", r"\u2012-\u2015\u2212\u2e3a"
_FLAG_START = re.compile(
    rf"\A[{_DRAWN_AS_NOTHING}]*[{_HYPHENS}{_DASHES}]|[{_HYPHENS}]{{2}}|[{_DASHES}]{{2}}"
)
# Unassigned code points that Unicode keeps for characters without a shape.
_RESERVED = re.compile(r"[\u2065\ufff0-\ufff8\U000e0000-\U000e0fff]")


def clean(text: str) -> str:
    """Make typed text safe to store and show: NFC, single spaces, nothing invisible.

    Control characters, lone surrogates and zero-width characters are removed (joiners stay where
    emoji and several scripts need them). A text without visible characters becomes "".
    """
    cleaned, before = _kept(text), None
    # More than once: letters and accents may have become neighbours only now.
    while cleaned != before:
        before = cleaned
        cleaned = unicodedata.normalize("NFC", _without_idle(cleaned))
    collapsed = " ".join(cleaned.split())
    return collapsed if any(map(_is_visible, collapsed)) else ""


def visible(text: str) -> str:
    """Return the text without the invisible characters that `clean` removes; all else stays.

    Characters that are drawn as a gap become spaces, but within a flag they count for nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return _without_idle(_kept(text))


def _kept(text: str) -> str:
    return "".join(
        part if number % 2 else "".join(filter(_is_kept, part))
        for number, part in enumerate(_NEEDED.split(text))
    )


def _without_idle(text: str) -> str:
    if any(map(text.__contains__, _DRAWN_AS_NOTHING)):
        text = _WORD.sub(_without_blanks, text)
    return _IDLE_JOINERS.sub("", text)


def _without_blanks(word: re.Match[str]) -> str:
    flag = _FLAG_START.search(word[0])
    begins = len(word[0]) if flag is None else flag.start()

    def gap(blank: re.Match[str]) -> str:
        return blank[1] or ("" if blank.start() >= begins else " ")

    return _BLANK.sub(gap, word[0])


def _is_kept(character: str) -> bool:
    if character in _JOINERS or character.isspace():
        return True
    category = unicodedata.category(character)
    if category == "Cn":
        return _is_new(character)
    return category not in {"Cc", "Cf", "Cs", "Co"} and character != _ATTACHED_OBJECT


def _is_new(character: str) -> bool:
    """Whether it is unassigned in this Python's tables but valid: an emoji of a later Unicode."""
    code = ord(character)
    nothing = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not nothing and _RESERVED.match(character) is None


def _is_visible(character: str) -> bool:
    # Letters, numbers, punctuation and symbols, except those that are drawn as nothing.
    drawn = unicodedata.category(character)[0] in "LNPS" or unicodedata.category(character) == "Cn"
    return drawn and character not in _DRAWN_AS_NOTHING
