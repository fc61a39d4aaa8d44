"""Find flags in a prompt, and tell known ones from unknown and unsupported ones. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.request.flag_values import SOFT, InvalidValue, ValueReader
from bot.request.options import OPTIONS
from bot.request.outcomes import FlagError, FlagErrorKind

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
    ("v version niji tile stop sref sw sv cref cw oref ow profile p personalize exp video", ""),
    ("motion loop end bs relax test testp creative hd sd beta upbeta uplight upanime vibe", ""),
)
UNSUPPORTED: Mapping[str, str] = {
    name: suggestion for names, suggestion in _ALTERNATIVES for name in names.split()
}
"""Midjourney's flags that are not supported, with the closest flag here, "" for none."""


def unsupported_flag(segment: str) -> FlagError | None:
    """Return why the flag at the beginning of a text is not supported; None if it is."""
    name, end = flag_name(segment)
    if name in FLAGS:
        return None
    if name in UNSUPPORTED:
        alternative = UNSUPPORTED[name]
        suggestion = f"--{alternative}" if alternative else ""
        return FlagError(FlagErrorKind.UNSUPPORTED, segment[:end], suggestion=suggestion)
    unknown = _UNKNOWN.match(segment)
    written = unknown[0] if unknown else segment[:end]
    matches = difflib.get_close_matches(name[:40], FLAGS, 1)
    return FlagError(
        FlagErrorKind.UNKNOWN, written, suggestion=f"--{matches[0]}" if matches else ""
    )


def value_error(invalid: InvalidValue, written: str) -> FlagError:
    """Return the error of a flag whose value is missing or invalid."""
    kind = FlagErrorKind.BAD_VALUE if invalid.value else FlagErrorKind.MISSING
    return FlagError(kind, written, invalid.value, invalid.expected, invalid.low, invalid.high)


# Syntax

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
SEPARATORS = SOFT + " .!?。！？"
_IS_CJK = re.compile(rf"[{CJK}]")
_LETTER = rf"(?:(?![{CJK}])[^\W\d_])"
# Phones turn two hyphens into one dash, or into non-breaking hyphens.
_HYPHENS, _DASHES = r"\-‐‑﹣－", "−–—―⸺"
_OPENER = re.compile(
    rf"(?<![\\{_HYPHENS}{_DASHES}])(\\*)"
    rf"((?:[{_HYPHENS}]{{2}}|[{_HYPHENS}]?[{_DASHES}])[{_HYPHENS}{_DASHES}]*)(?=[A-Za-zＡ-Ｚａ-ｚ])"
)
_HYPHENS_ONLY = re.compile(rf"[{_HYPHENS}]+")
_CHINESE_DASH = re.compile(r"[—―⸺]{2,}")
_FLAG = re.compile(rf"[{_HYPHENS}{_DASHES}]+({_LETTER}+(?:[{_HYPHENS}]{_LETTER}+)*)")
_DIGIT = re.compile(r"[=:＝：]?\s*\.?\d")
_UNKNOWN = re.compile(rf"[{_HYPHENS}{_DASHES}]+[\w{_HYPHENS}]+")
_INSIDE_WORDS = frozenset("_/\\=&@#%+~'’")
QUOTATION_MARKS = re.compile(r'(?<!\\)(\\*)(["“”„«»「」『』《》])')
_CLOSING = {"“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "《": "》", '"': '"'}


def unescape_match(match: re.Match[str]) -> str:
    """Return the backslashes and the character of a match, with the escaping removed."""
    return "\\" * (len(match[1]) // 2) + match[2]


def escape_match(match: re.Match[str]) -> str:
    """Escape the character of a match; `unescape_match` is the inverse."""
    return match[1] * 2 + "\\" + match[2]


@dataclass(frozen=True, slots=True)
class FoundFlags:
    """A text with its escaped flags unescaped, and the offsets at which its real flags start."""

    text: str
    starts: tuple[int, ...]


def find_flags(text: str) -> FoundFlags:
    """Find where flags start. Never raises."""
    parts: list[str] = []
    starts: list[int] = []
    last = length = 0
    for match in _openers(text):
        slashes = len(match[1])
        parts.append(text[last : match.start()] + "\\" * (slashes // 2))
        length += len(parts[-1])
        last = match.end(1)
        if slashes % 2 == 0:
            starts.append(length)
    return FoundFlags("".join(parts) + text[last:], tuple(starts))


def escape_flags(text: str) -> str:
    """Escape a text so that `find_flags` finds no flag in it."""
    parts: list[str] = []
    last = 0
    for match in _openers(text):
        parts += text[last : match.start()], escape_match(match)
        last = match.end()
    return "".join(parts) + text[last:]


def flag_name(segment: str) -> tuple[str, int]:
    """Return the name of the flag at the beginning of a text, in plain lower case, and its end."""
    match = _FLAG.match(segment)
    if match is None:
        return "", 0
    plain = unicodedata.normalize("NFKC", match[1]).lower()
    return re.sub(rf"[{_HYPHENS}]", "-", plain), match.end()


def _openers(text: str) -> Iterator[re.Match[str]]:
    """Yield the start of every flag, escaped ones included."""
    quoted = iter([*quotations(text), (len(text), len(text))])
    start, end = next(quoted)
    for match in _OPENER.finditer(text):
        while end < match.start(2):
            start, end = next(quoted)
        if match.start(2) < start and _begins_word(text, match):
            yield match


def _begins_word(text: str, match: re.Match[str]) -> bool:
    before = text[match.start() - 1] if match.start() else " "
    if before.isspace():
        # In Chinese, a long dash may precede any word.
        return _CHINESE_DASH.fullmatch(match[2]) is None or _is_known(text[match.start(2) :])
    if _is_latin(before) or before in _INSIDE_WORDS or unicodedata.combining(before):
        return False
    # After punctuation, or in scripts without spaces: 海报——AI时代, “Go”—Bob; but 猫——ar 16:9.
    hyphens = _HYPHENS_ONLY.fullmatch(match[2]) is not None
    return hyphens or _is_known(text[match.start(2) :], with_digit=True)


def _is_known(text: str, *, with_digit: bool = False) -> bool:
    name, end = flag_name(text)
    has_digit = not with_digit or _DIGIT.match(text, end) is not None
    return has_digit and (name in FLAGS or name in UNSUPPORTED)


def _is_latin(character: str) -> bool:
    return character.isalnum() and _IS_CJK.match(character) is None


def quotations(text: str) -> Iterator[tuple[int, int]]:
    """Yield where quotations open and close, in order; an unmatched mark quotes nothing."""
    marks = [
        (match.start(2), match[2])
        for match in QUOTATION_MARKS.finditer(text)
        if len(match[1]) % 2 == 0 and not _is_inches(text, match.start(2))
    ]
    positions: dict[str, list[int]] = {}
    for at, mark in reversed(marks):
        positions.setdefault(mark, []).append(at)  # in reverse order: the next one is last
    end = -1
    for at, mark in marks:
        opens = mark in _CLOSING and not (mark == '"' and _is_latin(text[at - 1 : at]))
        if at > end and opens:
            closing = [_next_after(positions.get(each, []), at) for each in _CLOSING[mark]]
            nearest = min((each for each in closing if each is not None), default=None)
            if nearest is not None:
                end = nearest
                yield at, end


def _is_inches(text: str, at: int) -> bool:
    """Return whether a quotation mark is inside a word, as in 5"x7"."""
    sides = text[at - 1 : at], text[at + 1 : at + 2]
    return text[at] == '"' and all(map(_is_latin, sides))


def _next_after(positions: list[int], at: int) -> int | None:
    while positions and positions[-1] <= at:
        positions.pop()
    return positions[-1] if positions else None
