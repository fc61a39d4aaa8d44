"""Fold text, so that words are found however they are written.

Compatibility forms (NFKC, so full-width letters too), case, diacritics, zero-width characters, and
Traditional and Simplified Chinese do not count.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import Final

import opencc

_DIACRITICS: Final = tuple(
    range(start, end)
    for start, end in (
        (0x0300, 0x0370),
        (0x0483, 0x048A),
        (0x1AB0, 0x1B00),
        (0x1DC0, 0x1E00),
        (0x20D0, 0x2100),
        (0xFE00, 0xFE10),  # variation selectors
        (0xFE20, 0xFE30),
        (0xE0100, 0xE01F0),
    )
)
"""Combining marks that are put on any letter. Those of scripts in which they are vowels or other
letters, such as Thai, Hindi and Japanese, are not among them."""
_INVISIBLE: Final = (0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)
"""Letters and symbols that show nothing, beside the categories below."""
_SILENT: Final = ("Cf", "Cs")
"""Format characters, such as zero-width ones, and halves of characters."""
_SILENT_RANGES: Final = ((0, 0x20000), (0xE0000, 0xE1000))
_IDEOGRAPHS: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))
"""Without the rare ones beyond the Basic Multilingual Plane."""
_UNSPACED_RANGES: Final = (
    # Han, kana, Thai, Lao, Burmese and Khmer, which put no space between words, and emoji.
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u21ff\u2600-\u27bf"
    "\U0001f000-\U0001faff\U00020000-\U000323af"
)
UNSPACED: Final = f"[{_UNSPACED_RANGES}]"
"""A character of a script without spaces: each is a word of its own."""
_UNSPACED: Final = re.compile(UNSPACED)
_TOKEN: Final = re.compile(rf"{UNSPACED}|[^\W_{_UNSPACED_RANGES}]+")
_SPACES: Final = re.compile(r"\s+")
_SAME: Final = {"著": "着"}
"""Written 着 in Simplified Chinese as a particle; a character alone does not tell."""


def fold(text: str) -> str:
    """Return the text as patterns see it: folded, with single spaces; "" if nothing is left."""
    decomposed = unicodedata.normalize("NFKD", text).translate(_dropped())
    folded = unicodedata.normalize("NFKC", decomposed.casefold())
    return _SPACES.sub(" ", folded.translate(_simplified())).strip()


def fold_pattern(pattern: str) -> str:
    """Return a regular expression with its letters folded, and everything else as it is.

    Plain ASCII stays, because \\W and \\w differ; so do the ends of a range in brackets.
    """
    found: list[str] = []
    for index, each in enumerate(pattern):
        ranged = "-" in (pattern[index - 1 : index], pattern[index + 1 : index + 2])
        folded = each if each.isascii() or ranged or not each.isalpha() else fold(each)
        found.append(folded if len(folded) == 1 and folded.isalnum() else each)
    return "".join(found)


def tokens(folded: str) -> list[str]:
    """Return the words of a folded text; where a script has no spaces, its single characters."""
    return _TOKEN.findall(folded)


def token_spans(folded: str) -> list[tuple[str, int, int]]:
    """Return the same, each with where it begins and ends."""
    return [(each[0], *each.span()) for each in _TOKEN.finditer(folded)]


def is_unspaced(character: str) -> bool:
    """Return whether the script of a character puts no spaces between words."""
    return _UNSPACED.match(character) is not None


@lru_cache(maxsize=1)
def _dropped() -> dict[int, None]:
    """Return what is taken out of a decomposed text."""
    codes = chain.from_iterable(range(*each) for each in _SILENT_RANGES)
    silent = (code for code in codes if unicodedata.category(chr(code)) in _SILENT)
    return dict.fromkeys(chain(silent, _INVISIBLE, *_DIACRITICS))


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    """Return the Simplified character of each Traditional one, by OpenCC.

    Character by character: what surrounds a word must not change it, or a pattern would not be
    found in every sentence.
    """
    characters = [chr(code) for each in _IDEOGRAPHS for code in range(*each)]
    said = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    first = {a: b for a, b in zip(characters, said, strict=True) if a != b and len(b) == 1}
    first |= _SAME
    return {ord(a): first.get(b, b) for a, b in first.items()}
