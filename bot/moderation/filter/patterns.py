"""Patterns of a prompt filter: read what an admin types, and refuse what cannot work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, cast

import re2

from bot.moderation.filter.folding import UNSPACED, fold, fold_pattern, is_unspaced, tokens
from bot.request.reasons.filters import PatternProblem, PatternRefused

MAX_WORD_CHARS: Final = 60
"""As long as a keyword of Discord's AutoMod may be."""
MAX_REGEX_CHARS: Final = 260
"""As long as a regular expression of Discord's AutoMod may be."""
PATTERN_MEMORY_BYTES: Final = 1 << 18
"""What RE2 may take for one expression. `x{1000}y{1000}` is within it; chosen by hand."""
_STAR: Final = "*"
_WORD_PARTS: Final = re.compile(rf"(?:{UNSPACED}|[^\W_]|\*)+")
_EVERYDAY: Final = (
    (
        "a quiet mountain lake at dawn",
        "portrait of an old fisherman, oil painting",
        "cyberpunk city, neon lights, rain",
        "two foxes playing in fresh snow",
        "35mm",
    ),
    ("雪山下的湖泊", "一只戴帽子的猫", "水墨画，竹林", "夜晚的城市街道", "古风少女"),
)
"""Prompts of no particular kind: whatever is found in all of one language is found everywhere."""


class PatternKind(StrEnum):
    """How a pattern is read: words with `*`, or a regular expression. ALLOWED: words in which the
    other two find nothing."""

    WORD = "word"
    REGEX = "regex"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Words:
    """A word or phrase, or several tokens of a script without spaces.

    tokens: folded. wild: some have `*`, for any letters.
    """

    tokens: tuple[str, ...]

    @property
    def wild(self) -> bool:
        """Whether a token has a wildcard."""
        return any(_STAR in each for each in self.tokens)

    def expression(self) -> str:
        """Return a regular expression that finds it in `spaced` text."""
        return f" {' '.join(map(token_expression, self.tokens))} "


def token_expression(token: str) -> str:
    """Return a regular expression for one token."""
    return re.escape(token).replace(r"\*", "[^ ]*")


def spaced(words: list[str]) -> str:
    """Return the tokens of a text with a space before, between and after them."""
    return f" {' '.join(words)} "


def read_words(text: str) -> Words | PatternRefused:
    """Read a word or phrase as an admin types it."""
    folded = fold(text)
    if len(text.strip()) > MAX_WORD_CHARS:
        return PatternRefused(text, PatternProblem.TOO_LONG, str(MAX_WORD_CHARS))
    found: list[str] = []
    for part in _WORD_PARTS.findall(folded):
        found += _wild_tokens(part)
    if not any(each.strip(_STAR) for each in found):
        problem = PatternProblem.EMPTY if _STAR not in folded else PatternProblem.EVERYTHING
        return PatternRefused(text, problem)
    words = Words(tuple(found))
    if words.wild and _finds_everything(compile_regex(words.expression()), as_tokens=True):
        return PatternRefused(text, PatternProblem.EVERYTHING)
    return words


def _wild_tokens(part: str) -> list[str]:
    """Return the tokens of letters and `*`; beside a script without spaces, `*` means nothing."""
    if _STAR not in part:
        return tokens(part)
    found, rest = list[str](), ""
    for each in part:
        if is_unspaced(each):
            found += [rest] if rest.strip(_STAR) else []
            found.append(each)
            rest = ""
        else:
            rest += each
    last = [rest] if rest.strip(_STAR) or not found else []
    return [re.sub(r"\*+", _STAR, each) for each in found + last]


def read_regex(text: str) -> str | PatternRefused:
    """Read a regular expression as an admin types it; return it as it is compiled."""
    pattern = text.strip()
    if not pattern:
        return PatternRefused(text, PatternProblem.EMPTY)
    if len(pattern) > MAX_REGEX_CHARS:
        return PatternRefused(text, PatternProblem.TOO_LONG, str(MAX_REGEX_CHARS))
    folded = fold_pattern(pattern)
    try:
        compiled = compile_regex(folded)
    except re2.error as error:
        return PatternRefused(text, PatternProblem.INVALID, _explained(error))
    except UnicodeEncodeError:  # half of a character
        return PatternRefused(text, PatternProblem.INVALID)
    if compiled.search("") or _finds_everything(compiled):
        return PatternRefused(text, PatternProblem.EVERYTHING)
    return folded


@lru_cache(maxsize=512)
def compile_regex(folded: str) -> re.Pattern[str]:
    """Return a compiled expression; re2.error if it is none, or needs too much memory.

    RE2's objects have the methods of Python's.
    """
    return cast("re.Pattern[str]", re2.compile(folded, options(PATTERN_MEMORY_BYTES)))


def options(memory_bytes: int) -> re2.Options:
    """Return how every expression is compiled. RE2 takes time that is linear in the text."""
    found = re2.Options()
    found.max_mem = memory_bytes
    found.log_errors = False
    found.case_sensitive = False
    found.never_capture = True
    return found


def _finds_everything(compiled: re.Pattern[str], *, as_tokens: bool = False) -> bool:
    """Return whether it is found in every everyday prompt of a language."""
    for prompts in _EVERYDAY:
        folded = map(fold, prompts)
        seen = (spaced(tokens(each)) for each in folded) if as_tokens else folded
        if all(map(compiled.search, seen)):
            return True
    return False


def _explained(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
