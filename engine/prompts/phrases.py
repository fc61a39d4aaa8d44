"""An addition: a short noun phrase in both languages, and what it asserts."""

from __future__ import annotations

from dataclasses import dataclass

from engine.prompts.concepts import Topic
from engine.prompts.language import Language


@dataclass(frozen=True, slots=True)
class Phrase:
    """One addition: equivalent wordings in each language, the usual one first.

    about: what it asserts, to be compared with the user's own words.
    """

    en: tuple[str, ...]
    zh: tuple[str, ...]
    about: frozenset[Topic]

    def wordings(self, spoken: Language) -> tuple[str, ...]:
        """Return its wordings in this language."""
        return self.en if spoken == "en" else self.zh


Slot = tuple[Phrase, ...]
"""Alternatives: the first one that fits is taken."""


def say(en: str, zh: str, *about: Topic) -> Phrase:
    """Make a phrase from its wordings, which " | " separates."""
    return Phrase(tuple(en.split(" | ")), tuple(zh.split(" | ")), frozenset(about))
