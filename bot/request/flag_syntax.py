"""Find flags in a prompt, and tell known ones from unknown and unsupported ones. Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.request.bad_flags import FlagError, FlagErrorKind
from bot.request.flag_values import SOFT, InvalidValue, ValueReader
from bot.request.options import OPTIONS

FLAGS: Mapping[str, tuple[str, ValueReader]] = {
    name: (option.name, flag.read)
    for option in OPTIONS
    for flag in option.flags
    for name in flag.names
}
"""Every supported flag, with the option that it sets and the reader of its value."""

_NOT_HERE: tuple[tuple[str, str], ...] = (
    ("stylize stylise s", "enhance"),
    ("weird w", "chaos"),
    ("fast turbo", "speed"),
    ("width height h", "size"),
    ("sameseed", "seed"),
    ("v version niji tile stop sref sw sv cref cw oref ow profile p personalize exp video", ""),
    ("motion loop end bs relax test testp creative hd sd beta upbeta uplight upanime vibe", ""),
)
UNSUPPORTED: Mapping[str, str] = {
    name: suggestion for names, suggestion in _NOT_HERE for name in names.split()
}
"""Midjourney's flags that are not supported, with the closest flag here, "" for none."""


def unsupported_flag(segment: str) -> FlagError | None:
    """Return why the flag at the beginning of a text is not supported; None if it is."""
    name, end = flag_name(segment)
    if name in FLAGS:
        return None
    if name in UNSUPPORTED:
        near = UNSUPPORTED[name]
        suggestion = f"--{near}" if near else ""
        return FlagError(FlagErrorKind.UNSUPPORTED, segment[:end], suggestion=suggestion)
    whole = _UNKNOWN.match(segment)
    written = whole[0] if whole else segment[:end]
    close = difflib.get_close_matches(name[:40], FLAGS, 1)
    return FlagError(FlagErrorKind.UNKNOWN, written, suggestion=f"--{close[0]}" if close else "")


def value_error(found: InvalidValue, written: str) -> FlagError:
    """Return the error of a flag whose value is missing or invalid."""
    kind = FlagErrorKind.BAD_VALUE if found.value else FlagErrorKind.MISSING
    return FlagError(kind, written, found.value, found.expected, found.low, found.high)


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
_FIGURE = re.compile(r"[=:＝：]?\s*\.?\d")
_UNKNOWN = re.compile(rf"[{_HYPHENS}{_DASHES}]+[\w{_HYPHENS}]+")
_INSIDE_WORDS = frozenset("_/\\=&@#%+~'’")
MARKS = re.compile(r'(?<!\\)(\\*)(["“”„«»「」『』《》])')
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
    image_to_image: tuple[int, ...]


def find_flags(text: str) -> FoundFlags:
    """Find where flags start. Never raises."""
    pieces: list[str] = []
    image_to_image: list[int] = []
    last = length = 0
    for match in _openers(text):
        slashes = len(match[1])
        pieces.append(text[last : match.start()] + "\\" * (slashes // 2))
        length += len(pieces[-1])
        last = match.end(1)
        if slashes % 2 == 0:
            image_to_image.append(length)
    return FoundFlags("".join(pieces) + text[last:], tuple(image_to_image))


def escape_flags(text: str) -> str:
    """Escape a text so that `find_flags` finds no flag in it."""
    pieces: list[str] = []
    last = 0
    for match in _openers(text):
        pieces += text[last : match.start()], escape_match(match)
        last = match.end()
    return "".join(pieces) + text[last:]


def flag_name(segment: str) -> tuple[str, int]:
    """Return the name of the flag at the beginning of a text, in plain lower case, and its end."""
    match = _FLAG.match(segment)
    if match is None:
        return "", 0
    plain = unicodedata.normalize("NFKC", match[1]).lower()
    return re.sub(rf"[{_HYPHENS}]", "-", plain), match.end()


def _openers(text: str) -> Iterator[re.Match[str]]:
    """Yield the start of every flag, escaped ones included."""
    quoted = iter([*_quotations(text), (len(text), len(text))])
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
    return hyphens or _is_known(text[match.start(2) :], with_figure=True)


def _is_known(text: str, *, with_figure: bool = False) -> bool:
    name, end = flag_name(text)
    figure = not with_figure or _FIGURE.match(text, end) is not None
    return figure and (name in FLAGS or name in UNSUPPORTED)


def _is_latin(character: str) -> bool:
    return character.isalnum() and _IS_CJK.match(character) is None


def _quotations(text: str) -> Iterator[tuple[int, int]]:
    """Yield where quotations open and close; an unmatched quotation mark quotes nothing."""
    marks = [
        (match.start(2), match[2])
        for match in MARKS.finditer(text)
        if len(match[1]) % 2 == 0 and not _is_inches(text, match.start(2))
    ]
    places: dict[str, list[int]] = {}
    for at, mark in reversed(marks):
        places.setdefault(mark, []).append(at)  # in reverse order: the next one is last
    end = -1
    for at, mark in marks:
        opens = mark in _CLOSING and not (mark == '"' and _is_latin(text[at - 1 : at]))
        if at > end and opens:
            closing = [_next(places.get(each, []), at) for each in _CLOSING[mark]]
            nearest = min((each for each in closing if each is not None), default=None)
            if nearest is not None:
                end = nearest
                yield at, end


def _is_inches(text: str, at: int) -> bool:
    """Return whether a quotation mark is inside a word, as in 5"x7"."""
    sides = text[at - 1 : at], text[at + 1 : at + 2]
    return text[at] == '"' and all(map(_is_latin, sides))


def _next(places: list[int], at: int) -> int | None:
    while places and places[-1] <= at:
        places.pop()
    return places[-1] if places else None
