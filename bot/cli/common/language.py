"""The language of a terminal, and lines that fit it whatever the script."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping

from bot.i18n import FALLBACK, LANGUAGES, Words, words

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where POSIX has the language, the first that is set wins."""


def terminal_words(environment: Mapping[str, str] = os.environ) -> Words:
    """Return the Words of the language that the environment asks for; English if it names none."""
    chosen = next((environment[each] for each in _VARIABLES if environment.get(each)), "")
    locale = chosen.partition(".")[0].partition("@")[0]
    return words(locale.replace("_", "-") if locale not in ("", "C", "POSIX") else FALLBACK)


def terminal_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the same language as a locale of Discord's, English if there is no translation."""
    chosen = next((environment[each] for each in _VARIABLES if environment.get(each)), "")
    spoken = chosen[:2]
    return next((each for each in LANGUAGES if each.partition("-")[0] == spoken), "en-US")


def width(text: str) -> int:
    """Return how many columns a text takes: Chinese characters take two."""
    return sum(_columns(sign) for sign in text)


def padded(text: str, columns: int) -> str:
    """Return a text with spaces behind it, so that it takes at least so many columns."""
    return text + " " * (columns - width(text))


def wrapped(text: str, columns: int) -> list[str]:
    """Divide a text into lines of at most so many columns, at spaces and around wide characters.

    A word that is longer than a line, such as a path, stays whole.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line.strip() and width(line + piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """Yield what must not be divided: a word with the space behind it, or one wide character.

    No line begins with a punctuation mark of Chinese, and none ends in an opening bracket.
    """
    piece = ""
    for sign in text:
        mark = unicodedata.category(sign) in ("Po", "Pe", "Pf")
        opened = piece and unicodedata.category(piece[-1]) in ("Ps", "Pi")
        edge = piece and _wide_edge(piece[-1], sign) and not mark and not opened
        if piece and (piece[-1] == " " or edge):
            yield piece
            piece = ""
        piece += sign
    if piece:
        yield piece


def _wide_edge(before: str, sign: str) -> bool:
    return sign != " " and (_columns(before) == 2 or _columns(sign) == 2)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
