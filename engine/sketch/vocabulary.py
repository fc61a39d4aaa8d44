"""What the embedded model knows, from the words of its captions."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, cast

import numpy as np

from engine.prompts.language import Language
from engine.prompts.vocabulary import KnownNames, Topic, Vocabulary, phrases, usual_name
from engine.sketch import phrases_en, phrases_zh
from engine.sketch.backdrops import STAGES
from engine.sketch.captions import Wording, caption, patterns
from engine.sketch.spec import COLOURS, PLACES, THINGS, TIMES, Scene, is_held_out
from engine.sketch.things import FLOATING

EXAMPLES: Final = 3
"""How many prompts are offered in the place of one with nothing known. Chosen by hand."""


@cache
def sketch_vocabulary() -> Vocabulary:
    """Return the vocabulary: things, places and times, and the names of weathers and colours."""
    counters = {count[-1] for words in phrases_zh.THING_WORDS.values() for count, _ in words}
    colours = {word.removesuffix("的")[-1] for word in _flat(phrases_zh.COLOUR_WORDS)}
    return Vocabulary(
        names={"en": _english_names(), "zh": _chinese_names()},
        english=phrases(
            text
            for words in (
                phrases_en.THING_WORDS,
                phrases_en.PLACE_NOUNS,
                phrases_en.PLACE_PHRASES,
                phrases_en.TIME_NOUNS,
                phrases_en.TIME_PHRASES,
            )
            for text in _flat(words)
        ),
        chinese=frozenset(
            [noun for words in phrases_zh.THING_WORDS.values() for _, noun in words]
            + [word for text in _flat(phrases_zh.PLACE_NOUNS) for word in _with_stem(text, 1)]
            + [word for text in _flat(phrases_zh.PLACE_PHRASES) for word in _with_stem(text, 1)]
            + [word for text in _flat(phrases_zh.TIME_PHRASES) for word in _with_stem(text, 2)]
        ),
        before=frozenset(counters | colours),
        examples=_examples,
    )


def _flat(words: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    return (text for texts in words.values() for text in texts)


def _with_stem(text: str, shortest: int) -> tuple[str, ...]:
    """Return a Chinese phrase, and what it is without its location: 湖边 and 湖."""
    stem = re.sub("时分$|[里中上下边旁间时]$", "", text)
    return (text, stem) if len(stem) >= shortest else (text,)


def _english_names() -> KnownNames:
    return _names(
        {
            Topic.THINGS: phrases_en.THING_WORDS,
            Topic.PLACES: phrases_en.PLACE_NOUNS,
            Topic.TIMES: phrases_en.TIME_NOUNS,
            Topic.WEATHERS: phrases_en.WEATHER_TAGS,
            Topic.COLOURS: phrases_en.COLOUR_WORDS,
        }
    )


def _chinese_names() -> KnownNames:
    nouns = {key: tuple(n for _, n in words) for key, words in phrases_zh.THING_WORDS.items()}
    return _names(
        {
            Topic.THINGS: nouns,
            Topic.PLACES: phrases_zh.PLACE_NOUNS,
            Topic.TIMES: phrases_zh.TIME_PHRASES,
            Topic.WEATHERS: phrases_zh.WEATHER_PHRASES,
            Topic.COLOURS: phrases_zh.COLOUR_WORDS,
        }
    )


def _names(words: Mapping[Topic, Mapping[str, tuple[str, ...]]]) -> KnownNames:
    """Return the usual word of each, which comes first; a weather that is seldom said has none."""
    return tuple(
        (
            topic,
            tuple(usual_name(texts[0].removesuffix("的")) for texts in groups.values() if texts[0]),
        )
        for topic, groups in words.items()
    )


def _examples(language: Language, text: str) -> tuple[str, ...]:
    """Return three scenes of different things, places, times and colours."""
    first = zlib.crc32(text.encode(errors="replace"))
    apart = len(THINGS) // EXAMPLES
    scenes: list[Scene] = []
    for number in range(EXAMPLES):
        candidates = _scenes(_at(THINGS, first + number * apart), first + number)
        taken = {each.place for each in scenes}
        scenes.append(next((s for s in candidates if s.place not in taken), candidates[0]))
    return tuple(_worded(scene, language) for scene in scenes)


def _scenes(thing: str, first: int) -> list[Scene]:
    """Return scenes of a thing that look well and that training had, in an order of their own."""
    turns = (first * 2 + turn for turn in range(len(PLACES) * len(COLOURS)))
    scenes = [
        Scene(_at(PLACES, turn), _at(TIMES, first), "clear", thing, _at(COLOURS, turn))
        for turn in turns
    ]
    return [
        each
        for each in scenes
        if not is_held_out(each) and (thing not in FLOATING or STAGES[each.place].has_water)
    ]


def _at(values: Sequence[str], index: int) -> str:
    return values[index % len(values)]


def _worded(scene: Scene, language: Language) -> str:
    """Word a scene as the captions of training do, with the usual words."""
    wording = Wording(language, patterns(language)[0], enhanced=False)
    return caption(scene, wording, cast("np.random.Generator", _UsualWords()))


class _UsualWords:
    """In the place of a random generator: captions then take the first of several words."""

    def integers(self, _high: int) -> int:
        return 0

    def random(self) -> float:
        # With a counter in Chinese and a person's clothes, without a capital and a full stop.
        return 0.5
