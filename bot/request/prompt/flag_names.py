"""Names of flags: known ones, those of Midjourney that do nothing here, and unknown ones. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping

from bot.request.options import OPTIONS
from bot.request.outcomes import FlagError, FlagErrorKind
from bot.request.quotations import CJK
from bot.request.values.flag_values import InvalidValue, ValueReader

FLAGS: Mapping[str, tuple[str, ValueReader]] = {
    name: (option.name, flag.read)
    for option in OPTIONS
    for flag in option.flags
    for name in flag.names
}
"""Every supported flag, with the option that it sets and the reader of its value."""

_ALTERNATIVES: tuple[tuple[str, str], ...] = (
    ("stylize stylise s", "enhance"),
    ("weird w", "chaos"),
    ("fast turbo", "speed"),
    ("width height h", "size"),
    ("sameseed", "seed"),
    ("n num batch", "repeat"),
    ("v version niji tile stop sref sw sv cref cw oref ow profile p personalize exp video", ""),
    ("motion loop end bs relax test testp creative hd sd beta upbeta uplight upanime vibe", ""),
)
UNSUPPORTED: Mapping[str, str] = {
    name: suggestion for names, suggestion in _ALTERNATIVES for name in names.split()
}
"""Flags of Midjourney and other programs that are not supported, with the closest flag here, "" for
none."""

# Phones turn two hyphens into one dash, or into non-breaking hyphens.
HYPHENS, DASHES = r"\-‐‑﹣－", "−‒–—―⸺─"
_LETTER = rf"(?:(?![{CJK}])[^\W\d_])"
_FLAG = re.compile(rf"[{HYPHENS}{DASHES}]+[^\S\n]*({_LETTER}+(?:[{HYPHENS}]{_LETTER}+)*|[{CJK}]+)")
# A ratio or a size says by itself what it is: --16:9, --1024x768.
_NAMELESS = re.compile(
    rf"[{HYPHENS}{DASHES}]+(?=(?:\d{{1,2}}[:：]\d{{1,2}}|(\d{{3,4}}[xX×]\d{{3,4}}))(?![\w:：.]))"
)
_UNKNOWN = re.compile(rf"[{HYPHENS}{DASHES}]+[\w{HYPHENS}]+")
_IS_CHINESE = re.compile(rf"[{CJK}]")
_CHINESE = sorted(filter(_IS_CHINESE.match, FLAGS), key=len, reverse=True)
_ELSEWHERE = frozenset({"cfg-scale", "guidance-scale", "negative-prompt", "resolution"})
"""Names of other programs, which are understood and never advised."""
_LATIN = [name for name in FLAGS if not _IS_CHINESE.match(name) and name not in _ELSEWHERE]
_LONGEST_CHINESE = 8
_NAME_READ_CHARS = 100
"""Longer than any flag; what is longer is none. Chosen by hand."""
_SIMILAR_CHINESE = 0.5
"""How similar a Chinese word is to a flag that it is taken for: one of two characters. By hand."""
_COMPARED_CHARS = 40


def flag_name(segment: str) -> tuple[str, int]:
    """Return the name of the flag at the beginning of a text, in plain lower case, and its end.

    There are no spaces between Chinese words: the longest name of a flag that the text begins with
    is the name, or else ("", 0).
    """
    # A chain of thousands of words and hyphens is read again at each of its hyphens.
    match = _FLAG.match(segment[:_NAME_READ_CHARS])
    if match is None:
        nameless = _NAMELESS.match(segment[:_NAME_READ_CHARS])
        return ("size" if nameless[1] else "ar", nameless.end()) if nameless else ("", 0)
    if _IS_CHINESE.match(match[1]):
        name = next((each for each in _CHINESE if match[1].startswith(each)), "")
        return name, match.start(1) + len(name) if name else 0
    plain = unicodedata.normalize("NFKC", match[1]).lower()
    return re.sub(rf"[{HYPHENS}]", "-", plain), match.end()


def similar_chinese(segment: str) -> tuple[str, str]:
    """Return the Chinese word after the dashes and the flag that it resembles, ("", "") if none."""
    match = _FLAG.match(segment)
    if match is None or not _IS_CHINESE.match(match[1]) or len(match[1]) > _LONGEST_CHINESE:
        return "", ""
    alike = [each for each in _CHINESE if each[0] == match[1][0]]
    found = difflib.get_close_matches(match[1], alike, 1, _SIMILAR_CHINESE)
    return (match[0], found[0]) if found else ("", "")


def unsupported_flag(segment: str) -> FlagError | None:
    """Return why the flag at the beginning of a text is not supported; None if it is."""
    name, end = flag_name(segment)
    if name in FLAGS:
        return None
    if name in UNSUPPORTED:
        alternative = UNSUPPORTED[name]
        suggestion = f"--{alternative}" if alternative else ""
        return FlagError(FlagErrorKind.UNSUPPORTED, segment[:end], suggestion=suggestion)
    written, similar = similar_chinese(segment)
    if similar:
        return FlagError(FlagErrorKind.UNKNOWN, written, suggestion=f"--{similar}")
    unknown = _UNKNOWN.match(segment)
    written = unknown[0] if unknown else segment[:end]
    matches = difflib.get_close_matches(name[:_COMPARED_CHARS], _LATIN, 1)
    return FlagError(
        FlagErrorKind.UNKNOWN, written, suggestion=f"--{matches[0]}" if matches else ""
    )


def value_error(invalid: InvalidValue, written: str) -> FlagError:
    """Return the error of a flag whose value is missing or invalid."""
    kind = FlagErrorKind.BAD_VALUE if invalid.value else FlagErrorKind.MISSING
    return FlagError(kind, written, invalid.value, invalid.expected, invalid.low, invalid.high)
