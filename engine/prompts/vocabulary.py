"""What a model with few words knows, and whether a prompt contains any of it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from engine.prompts.language import Language, is_foreign, is_han, language


class Topic(StrEnum):
    """A group of words, in the order in which groups are shown."""

    THINGS = "things"
    PLACES = "places"
    TIMES = "times"
    WEATHERS = "weathers"
    COLOURS = "colours"
    STYLES = "styles"


SUBJECTS = frozenset({Topic.THINGS, Topic.PLACES, Topic.TIMES})
"""The groups that make a picture by themselves; the others only change what is there."""

KnownNames = tuple[tuple[Topic, tuple[str, ...]], ...]
"""One usual name for everything that a model knows, by group."""

_WORD = re.compile(r"(?:(?![\u3400-\u9fff])[^\W\d_])+(?:-(?:(?![\u3400-\u9fff])[^\W\d_])+)*")
"""A word; hyphens make one of several: Spider-Man is no man."""
_LONGEST_PHRASE_WORDS = 5
_LEADING = frozenset({
    "a", "an", "the", "in", "on", "at", "by", "of", "to", "over", "under", "near", "beside",
    "among", "amid", "during", "as", "out", "deep", "with",
})  # fmt: skip
_PLURALS = {"man": "men", "child": "children", "person": "people"}
"""By ending, so that women and craftsmen are among them."""
_LEFT_ZH = frozenset(
    "的和与跟及有在是一二两三四五六七八九十几多个只条张位名些某大小老新旧古高矮长美好男女"
)
_RIGHT_ZH = re.compile(
    "[的在和与跟及有是上下里中内外旁边前后们着了坐走跑飞开停漂驶看过来去正从向被把不都也很吗呢吧呀]|站[在着]"
)
"""What may stand before and after a Chinese word of one character: articles, numbers, measure words
and adjectives; locations and verbs. Anything else makes another word of it: 花猫, 火车, 机器人."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a model that knows few of them.

    names: for people, by language. english: phrases as their words. chinese: words. before:
    characters that may stand before a Chinese word of one character, besides the usual ones.
    examples: three prompts in a language that the model paints well; the text varies the choice.
    """

    names: Mapping[Language, KnownNames]
    english: frozenset[tuple[str, ...]]
    chinese: frozenset[str]
    before: frozenset[str]
    examples: Callable[[Language, str], tuple[str, ...]]

    def knows(self, text: str) -> bool:
        """Return whether a text contains one of the words, English ones whole or in the plural."""
        plain = unicodedata.normalize("NFKC", text)
        return self._knows_english(plain) or self._knows_chinese(plain)

    def names_for(self, text: str) -> KnownNames:
        """Return the names in the language of a text."""
        return self.names[language(text)]

    def examples_for(self, text: str) -> tuple[str, ...]:
        """Return the examples in the language of a text."""
        return self.examples(language(text), text)

    def _knows_english(self, text: str) -> bool:
        words = [_singular_forms(match[0].casefold()) for match in _WORD.finditer(text)]
        return any(
            self._starts_phrase(words[index : index + _LONGEST_PHRASE_WORDS])
            for index in range(len(words))
        )

    def _starts_phrase(self, words: list[frozenset[str]]) -> bool:
        begun: set[tuple[str, ...]] = {()}
        for forms in words:
            begun = {(*each, form) for each in begun for form in forms} & _beginnings(self.english)
            if not begun.isdisjoint(self.english):
                return True
        return False

    def _knows_chinese(self, text: str) -> bool:
        if is_foreign(text):  # Japanese has the characters, but other words
            return False
        for word in self.chinese:
            start = text.find(word)
            while start >= 0:
                if len(word) > 1 or self._stands_alone(text, start):
                    return True
                start = text.find(word, start + 1)
        return False

    def _stands_alone(self, text: str, index: int) -> bool:
        before, after = text[:index][-1:] or " ", text[index + 1 : index + 2] or " "
        starts = not is_han(before) or before in _LEFT_ZH or before in self.before
        return starts and (not is_han(after) or _RIGHT_ZH.match(text, index + 1) is not None)


def phrase(text: str) -> tuple[str, ...]:
    """Return an English phrase of a vocabulary as its words, without what only leads to them.

    "by a mountain lake" is ("mountain", "lake").
    """
    words = [match[0].casefold() for match in _WORD.finditer(text)]
    while words and words[0] in _LEADING:
        words.pop(0)
    return tuple(words)


def phrases(texts: Iterable[str]) -> frozenset[tuple[str, ...]]:
    """Return the phrases of these texts, and what they are in the singular."""
    found = filter(None, map(phrase, texts))
    return frozenset((*each[:-1], form) for each in found for form in _singular_forms(each[-1]))


def usual_name(text: str) -> str:
    """Return a noun as it is listed: without its article."""
    return re.sub(r"^(?:an?|the) ", "", text)


@lru_cache(maxsize=4)
def _beginnings(known: frozenset[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    return frozenset(each[:length] for each in known for length in range(1, len(each) + 1))


@lru_cache(maxsize=4096)
def _singular_forms(word: str) -> frozenset[str]:
    """Return a word and all that it may be a plural of; a hyphen may be missing or a space."""
    forms = {word, word.replace("-", "")}
    for one, many in _PLURALS.items():
        if word.endswith(many):
            forms.add(word.removesuffix(many) + one)
    for ending, singular in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("s", "")):
        if word.endswith(ending) and not word.endswith("ss") and len(word) > len(ending) + 1:
            forms.add(word.removesuffix(ending) + singular)
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        forms.add(word.removesuffix("es"))
    return frozenset(forms)
