"""Quotations in a prompt, in which no sign has a meaning, and backslashes before signs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
QUOTATION_MARKS = re.compile(r'(?<!\\)(\\*)(["“”„«»「」『』《》])')
_IS_CJK = re.compile(rf"[{CJK}]")
_CLOSING = {"“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "《": "》", '"': '"'}


def unescape_match(match: re.Match[str]) -> str:
    """Return the backslashes and the character of a match, with the escaping removed."""
    return "\\" * (len(match[1]) // 2) + match[2]


def escape_match(match: re.Match[str]) -> str:
    """Escape the character of a match; `unescape_match` is the inverse."""
    return match[1] * 2 + "\\" + match[2]


def is_cjk(character: str) -> bool:
    """Return whether a character is of a script without spaces between words."""
    return _IS_CJK.match(character) is not None


def is_spaced(character: str) -> bool:
    """Return whether it is a letter or digit of a script with spaces between words."""
    return character.isalnum() and not is_cjk(character)


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
        opens = mark in _CLOSING and not (mark == '"' and is_spaced(text[at - 1 : at]))
        if at > end and opens:
            closing = [_next_after(positions.get(each, []), at) for each in _CLOSING[mark]]
            nearest = min((each for each in closing if each is not None), default=None)
            if nearest is not None:
                end = nearest
                yield at, end


def _is_inches(text: str, at: int) -> bool:
    """Return whether a quotation mark is inside a word, as in 5"x7"."""
    sides = text[at - 1 : at], text[at + 1 : at + 2]
    return text[at] == '"' and all(map(is_spaced, sides))


def _next_after(positions: list[int], at: int) -> int | None:
    while positions and positions[-1] <= at:
        positions.pop()
    return positions[-1] if positions else None
