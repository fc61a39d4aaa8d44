"""Trigger words of LoRAs: whether a prompt has them, and adding those that it lacks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.prompts.language import language
from engine.prompts.selection import SENTENCE_ENDS, SOFT_ENDS

_LETTER = r"[^\W_\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
"""A letter or digit of a script with spaces between words."""


def missing_words(prompt: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return those of the words that are not in the prompt, in order; case does not count."""
    text = _folded(prompt)
    return tuple(word for word in words if word and not _holds(text, _folded(word)))


def words_in(prompt: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return those of the words that are in the prompt, in order; case does not count."""
    text = _folded(prompt)
    return tuple(word for word in words if word and _holds(text, _folded(word)))


def with_words(prompt: str, words: Iterable[str]) -> str:
    """Return the prompt with the words that it lacks at its end, spelt as they are."""
    lacking = missing_words(prompt, words)
    if not lacking:
        return prompt
    stem, chinese = prompt.rstrip(SOFT_ENDS) or prompt, language(prompt) == "zh"
    comma, space = ("，", "") if chinese else (", ", " ")
    between = space if stem.endswith(tuple(SENTENCE_ENDS + SOFT_ENDS)) else comma
    return f"{stem}{between}{comma.join(lacking)}"


def _holds(text: str, word: str) -> bool:
    """Whether a word stands in a text, and not within another one of the same script.

    Chinese, Japanese and Korean have no spaces between words, or none where these end.
    """
    before = f"(?<!{_LETTER})" if re.match(_LETTER, word) else ""
    behind = f"(?!{_LETTER})" if re.match(_LETTER, word[-1:]) else ""
    return re.search(f"{before}{re.escape(word)}{behind}", text) is not None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
