"""What the embedded model knows, from the words of its captions."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, TypeVar, cast

import numpy as np

from engine.prompts.language import Language
from engine.prompts.vocabulary import KnownNames, Topic, Vocabulary, phrases, usual_name
from engine.sketch import phrases_en, phrases_zh
from engine.sketch.captions import Wording, caption, patterns
from engine.sketch.learned import LEARNED, Learned
from engine.sketch.spec import DEFAULTS, STYLES, TIMES, Scene, Subject, is_held_out, times_of

EXAMPLES: Final = 3
"""How many prompts are offered in the place of one with nothing known. Chosen by hand."""

_T = TypeVar("_T")
_OUTDOORS: Final = ("lake", "forest", "desert", "sea", "city", "meadow")
_FITTING: Final = {
    "boat": ("lake", "sea"),
    "car": ("city", "desert", "forest"),
    "fish": ("underwater",),
    "spaceship": ("space", "desert", "city"),
    "rocket": ("space", "desert"),
    "robot": ("city", "room", "space"),
    "cake": ("room", "meadow"),
    "noodles": ("room",),
    "sword": ("room", "forest"),
    "crown": ("room",),
    "book": ("room", "meadow"),
    "cat": ("room", "meadow", "forest", "city"),
    "mushroom": ("forest", "meadow"),
}
"""Where examples show a thing; any other is shown anywhere outdoors. Chosen by hand."""


def sketch_vocabulary(learned: Learned = LEARNED) -> Vocabulary:
    """Return the vocabulary: things, places and times, and names of what can be said of them."""
    return _vocabulary(learned)


@cache
def _vocabulary(learned: Learned) -> Vocabulary:
    things_en, things_zh = (_of(each.THING_WORDS, learned.things) for each in _LANGUAGES)
    places_zh = (phrases_zh.PLACE_NOUNS, phrases_zh.PLACE_PHRASES)
    counters = {measure for words in phrases_zh.THING_WORDS.values() for measure, _ in words}
    colours = {word.removesuffix("的")[-1] for word in _flat(phrases_zh.COLOUR_WORDS)}
    return Vocabulary(
        names={"en": _english_names(learned), "zh": _chinese_names(learned)},
        english=phrases(
            (
                *_flat(things_en),
                *_flat(_of(phrases_en.PLACE_NOUNS, learned.places)),
                *_flat(_of(phrases_en.PLACE_PHRASES, learned.places)),
                *_flat(phrases_en.TIME_NOUNS),
                *_flat(phrases_en.TIME_PHRASES),
                *_flat(phrases_en.SKY_NOUNS),
                *_flat(phrases_en.SKY_PHRASES),
            )
        ),
        chinese=frozenset(
            (
                *(noun for words in things_zh.values() for _, noun in words),
                *(
                    word
                    for table in places_zh
                    for text in _flat(_of(table, learned.places))
                    for word in _with_stem(text, 1)
                ),
                *(
                    word
                    for table in (phrases_zh.TIME_PHRASES, phrases_zh.SKY_PHRASES)
                    for text in _flat(table)
                    for word in _with_stem(text, 2)
                ),
            )
        ),
        before=frozenset(counters | colours),
        examples=lambda language, text: _examples(learned, language, text),
    )


_LANGUAGES: Final = (phrases_en, phrases_zh)


def _of(words: Mapping[str, _T], known: Sequence[str]) -> dict[str, _T]:
    return {key: words[key] for key in known if key in words}


def _flat(words: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    return (text for texts in words.values() for text in texts)


def _with_stem(text: str, shortest: int) -> tuple[str, ...]:
    """Return a Chinese phrase, and what it is without its location: 湖边 and 湖."""
    stem = re.sub("时分$|[里中上下边旁间时]$", "", text)
    return (text, stem) if len(stem) >= shortest else (text,)


def _english_names(learned: Learned) -> KnownNames:
    return _names(
        {
            Topic.THINGS: _of(phrases_en.THING_WORDS, learned.things),
            Topic.PLACES: _of(phrases_en.PLACE_NOUNS, learned.places),
            Topic.TIMES: phrases_en.TIME_NOUNS,
            Topic.WEATHERS: _of(phrases_en.WEATHER_TAGS, _NAMED_WEATHERS),
            Topic.COLOURS: _of(phrases_en.COLOUR_WORDS, learned.colours),
            Topic.STYLES: _of(phrases_en.STYLE_TAGS, learned.styles),
        }
    )


def _chinese_names(learned: Learned) -> KnownNames:
    things = _of(phrases_zh.THING_WORDS, learned.things)
    return _names(
        {
            Topic.THINGS: {key: tuple(n for _, n in words) for key, words in things.items()},
            Topic.PLACES: _of(phrases_zh.PLACE_NOUNS, learned.places),
            Topic.TIMES: phrases_zh.TIME_PHRASES,
            Topic.WEATHERS: _of(phrases_zh.WEATHER_PHRASES, _NAMED_WEATHERS),
            Topic.COLOURS: _of(phrases_zh.COLOUR_WORDS, learned.colours),
            Topic.STYLES: _of(phrases_zh.STYLE_TAGS, learned.styles),
        }
    )


_NAMED_WEATHERS: Final = ("rain", "snow", "mist")
"""Clear weather is seldom said."""


def _names(words: Mapping[Topic, Mapping[str, tuple[str, ...]]]) -> KnownNames:
    """Return the usual word of each, which comes first; a group without words is left out."""
    return tuple(
        (topic, tuple(usual_name(texts[0].removesuffix("的")) for texts in groups.values()))
        for topic, groups in words.items()
        if groups
    )


def _examples(learned: Learned, language: Language, text: str) -> tuple[str, ...]:
    """Return three scenes of different things, and mostly different places, times and colours."""
    first = zlib.crc32(text.encode(errors="replace"))
    apart = len(learned.things) // EXAMPLES
    scenes: list[Scene] = []
    for number in range(EXAMPLES):
        thing = _at(learned.things, first + number * apart)
        style = _at(learned.styles, first) if number == EXAMPLES - 1 else STYLES[0]
        candidates = _scenes(learned, thing, style, first + number)
        taken = {each.place for each in scenes}
        scenes.append(next((s for s in candidates if s.place not in taken), candidates[0]))
    return tuple(_worded(scene, language) for scene in scenes)


def _scenes(learned: Learned, thing: str, style: str, first: int) -> list[Scene]:
    """Return scenes of a thing that look well and that training had, in an order of their own."""
    places = [place for place in _FITTING.get(thing, _OUTDOORS) if place in learned.places]
    turns = range(first * 2, first * 2 + len(places) * len(learned.colours))
    scenes = [
        Scene(
            _at(places, turn),
            _time(thing, _at(places, turn), first),
            DEFAULTS[thing].weather,
            (Subject(thing, _at(learned.colours, turn)),),
            style,
        )
        for turn in turns
    ]
    return [each for each in scenes if not is_held_out(each)]


def _time(thing: str, place: str, first: int) -> str:
    if DEFAULTS[thing].time != TIMES[1]:
        return DEFAULTS[thing].time
    return _at(times_of(place) if len(times_of(place)) < len(TIMES) else TIMES, first)


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
        # With a measure word in Chinese, without a capital and a full stop.
        return 0.5
