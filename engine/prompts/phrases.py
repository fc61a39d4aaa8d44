"""What a thing to add is: a short noun phrase in both languages, and what it asserts."""

from __future__ import annotations

from dataclasses import dataclass

from engine.prompts.concepts import Topic
from engine.prompts.language import Language


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing to add: equivalent wordings in each language, the usual one first.

    about: what it asserts, to be held against the person's own words.
    """

    en: tuple[str, ...]
    zh: tuple[str, ...]
    about: frozenset[Topic]

    def wordings(self, spoken: Language) -> tuple[str, ...]:
        """How it can be said in this language."""
        return self.en if spoken == "en" else self.zh


Slot = tuple[Phrase, ...]
"""Alternatives: the first one that fits is taken."""


def say(en: str, zh: str, *about: Topic) -> Phrase:
    """A phrase from its wordings, which " | " separates."""
    return Phrase(tuple(en.split(" | ")), tuple(zh.split(" | ")), frozenset(about))
