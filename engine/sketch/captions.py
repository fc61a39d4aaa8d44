"""Describe a scene in English or Chinese, long or short, plain or enhanced."""

from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Final

import numpy as np

from engine.prompts.phrases import Slot
from engine.prompts.quality import EXTRAS, PLAIN_QUALITY
from engine.prompts.subjects import IMPLIED
from engine.sketch import chinese, english, phrases_en, phrases_zh
from engine.sketch.fillers import Fillers, fillers, made_up_word
from engine.sketch.spec import (
    COLOURS,
    DEFAULTS,
    MOST_ALIKE,
    PLACES,
    STYLES,
    THINGS,
    TIMES,
    WEATHERS,
    Scene,
    default_of,
    times_of,
    unspoken,
)
from engine.sketch.words import SKYLESS, Filling, Plan, chance, pick

LANGUAGES: Final = ("en", "zh")
ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    "place": PLACES,
    "time": TIMES,
    "weather": WEATHERS,
    "thing": THINGS,
    "colour": COLOURS,
    "count": tuple(str(count) for count in range(2, MOST_ALIKE + 1)),
    "thing2": THINGS,
    "colour2": COLOURS,
    "style": STYLES[1:],
}
"""What a caption can say of each aspect of a scene; one thing and the usual style go unsaid."""
ASPECTS: Final = tuple(ANSWERS)
"""The aspects of a scene that a caption can mention."""
EMPTY_SHARE: Final = 0.1
"""Share of captions that mention nothing, for classifier-free guidance to steer away from: a tenth,
as is customary."""

_CHINESE_SHARE: Final = 0.45
_ENHANCED_SHARE: Final = 0.3
_ADDITIONS_SHARE: Final = 0.12
"""Share of captions with quality words, and of those the share that has many. By hand."""
_FORGOTTEN_SHARE: Final = 0.012
"""How often each aspect is left unsaid although it is not the default."""
_ALL_UNSPOKEN_SHARE: Final = 0.35
_UNSPOKEN_SHARE: Final = 0.45
_CLEAR_UNSPOKEN_SHARE: Final = 0.88
"""How often all that is default is left unsaid, each of it, and clear weather. By hand."""
_FILLED_SHARE: Final = 0.35
_FILLER_ODDS: Final = (0.62, 0.9)
"""Share of captions with filler words, and of those with one, with at most two. By hand."""
_MADE_UP_SHARE: Final = 0.12
_UNKNOWN_NOUN_SHARE: Final = 0.25
"""Share of fillers that are no word at all, and of bare scenes with an unknown thing. By hand."""
_OTHER_STYLE_SHARE: Final = 0.1
_SHOUTED_SHARE: Final = 0.03
_PLEASE_SHARE: Final = 0.12
"""Share of captions with a style that is none, in capitals, and of requests with "please"."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a scene is worded.

    omitted: which of `ASPECTS` are not mentioned. loose: as people type, with filler words; else as
    they write. new_fillers: words that training never uses.
    """

    language: str
    pattern: str
    enhanced: bool
    omitted: frozenset[str] = frozenset()
    loose: bool = False
    new_fillers: bool = False


def aspects(scene: Scene) -> dict[str, str]:
    """Return all that a caption of the scene can say, by aspect; see `ANSWERS`.

    Weather is nothing to speak of under water, nor is night in space.
    """
    found = {"place": scene.place}
    if len(times_of(scene.place)) > 1:
        found["time"] = scene.time
    if scene.place not in SKYLESS:
        found["weather"] = scene.weather
    for subject, suffix in zip(scene.subjects, ("", "2"), strict=False):
        found["thing" + suffix] = subject.thing
        found["colour" + suffix] = subject.colour
    if scene.count > 1:
        found["count"] = str(scene.count)
    if scene.style != STYLES[0]:
        found["style"] = scene.style
    return found


def draw_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Draw a training caption: any wording, sometimes empty, sometimes only a negative prompt."""
    return draw_labelled_caption(scene, rng)[0]


def draw_labelled_caption(scene: Scene, rng: np.random.Generator) -> tuple[str, frozenset[str]]:
    """Draw a training caption, and which of `aspects(scene)` it mentions."""
    language = LANGUAGES[int(chance(rng, _CHINESE_SHARE))]
    if chance(rng, EMPTY_SHARE):
        negatives = _phrases(language).NEGATIVES
        return (pick(rng, negatives) if chance(rng, 0.6) else ""), frozenset()
    enhanced = chance(rng, _ENHANCED_SHARE)
    omitted = _omitted(scene, rng)
    wording = Wording(language, pick(rng, patterns(language)), enhanced, omitted, loose=True)
    return caption(scene, wording, rng), _said(scene, wording)


def patterns(language: str, *, held_out: bool = False) -> tuple[str, ...]:
    """Return the sentence patterns of a language: those of training, or the held-out ones."""
    phrases = _phrases(language)
    return phrases.HELD_OUT_PATTERNS if held_out else phrases.PATTERNS


def caption(
    scene: Scene, wording: Wording, rng: np.random.Generator, filling: Filling | None = None
) -> str:
    """Word a scene; synonyms come from `rng`. Nothing that the scene lacks is mentioned.

    filling: filler words; None = drawn for a loose wording, none for any other.
    """
    said, language = _said(scene, wording), wording.language
    if filling is None:
        table = fillers(language, held_out=wording.new_fillers)
        filling = _filling(scene, said, table, language, rng) if wording.loose else Filling()
    opens = "{opening}" in wording.pattern and bool(filling.noun or said & {"thing", "place"})
    opening, style = _style(scene, said, wording, opens, rng)
    plan = Plan(scene, said, wording.pattern, wording.loose, filling, opening)
    text = (chinese if language == "zh" else english).describe(plan, rng)
    text = _with_tags(text, (*filling.tags, *filter(None, (style,))), language, rng)
    text = _punctuated(text, opening, wording, rng)
    return _enhanced(text, scene, said, language, rng) if wording.enhanced else text


def _said(scene: Scene, wording: Wording) -> frozenset[str]:
    said = aspects(scene).keys() - wording.omitted
    if "thing" in wording.omitted:
        said -= {"colour", "count", "thing2", "colour2"}
    if not wording.loose and scene.weather == default_of(scene).weather == "clear":
        said -= {"weather"}
    return frozenset(said)


def _omitted(scene: Scene, rng: np.random.Generator) -> frozenset[str]:
    """Return what a training caption leaves unsaid: much of what is default, seldom anything else.

    Each of two things can be in its own default colour.
    """
    default = unspoken(scene) - {"colour"}
    for subject, aspect in zip(scene.subjects, ("colour", "colour2"), strict=False):
        if subject.colour in DEFAULTS[subject.thing].colours:
            default |= {aspect}
    everything = chance(rng, _ALL_UNSPOKEN_SHARE)
    omitted: set[str] = set()
    for aspect in ("place", "time", "weather", "colour", "colour2"):
        share = _FORGOTTEN_SHARE
        if aspect in default:
            usual = aspect == "weather" and scene.weather == "clear"
            share = 1.0 if everything else _CLEAR_UNSPOKEN_SHARE if usual else _UNSPOKEN_SHARE
        if chance(rng, share):
            omitted.add(aspect)
    if scene.subjects and "place" not in omitted and chance(rng, _FORGOTTEN_SHARE):
        omitted.add("thing")
    return frozenset(omitted)


def _filling(
    scene: Scene,
    said: frozenset[str],
    table: Fillers,
    language: str,
    rng: np.random.Generator,
) -> Filling:
    """Draw filler words; a caption that says nothing consists of them."""
    nothing = not said - {"style"}
    noun = ""
    if not scene.subjects and (nothing or chance(rng, _UNKNOWN_NOUN_SHARE)):
        noun = _filler(table.nouns, language, rng)
    if not chance(rng, _FILLED_SHARE):
        return Filling(noun)
    draw = rng.random()
    number = 1 + sum(draw > odds for odds in _FILLER_ODDS)
    adjectives: list[str] = []
    tags: list[str] = []
    after = ""
    has_thing = bool(noun) or "thing" in said
    second = len(scene.subjects) > 1 and chance(rng, 0.5)
    for _ in range(number):
        kind = rng.random()
        if not has_thing or kind > 0.6:
            tags.append(_filler(table.tags, language, rng))
        elif kind > 0.38 and not after:
            after = pick(rng, _afters(table, scene, second))
        else:
            adjectives.append(_filler(table.adjectives, language, rng))
    return Filling(noun, tuple(adjectives), after, tuple(tags), second)


def _filler(words: tuple[str, ...], language: str, rng: np.random.Generator) -> str:
    return made_up_word(language, rng) if chance(rng, _MADE_UP_SHARE) else pick(rng, words)


_LIVING: Final = frozenset(
    {"cat", "dog", "horse", "rabbit", "dragon", "bird", "fish", "person", "woman", "man", "child",
     "robot", "snowman"}
)  # fmt: skip


def _afters(table: Fillers, scene: Scene, second: bool) -> tuple[str, ...]:
    lives = not scene.subjects or scene.subjects[int(second)].thing in _LIVING
    return table.living if lives else table.after


def _style(
    scene: Scene, said: frozenset[str], wording: Wording, opens: bool, rng: np.random.Generator
) -> tuple[str, str]:
    """Return the opening of a caption, and a style to put before or behind it.

    opens: whether something follows that can be opened.
    """
    phrases = _phrases(wording.language)
    opening = pick(rng, phrases.OPENINGS)
    if "style" in said:
        if opens and chance(rng, 0.8):
            return pick(rng, phrases.STYLE_OPENINGS[scene.style]), ""
        tags = phrases.STYLE_TAGS[scene.style]
        if scene.style == "pencil" and said.isdisjoint({"colour", "colour2"}):
            tags += phrases.COLOURLESS_TAGS
        return opening, pick(rng, tags)
    if wording.loose and scene.style == STYLES[0] and chance(rng, _OTHER_STYLE_SHARE):
        return opening, pick(rng, phrases.OTHER_STYLES)
    return opening, ""


def _with_tags(text: str, tags: tuple[str, ...], language: str, rng: np.random.Generator) -> str:
    """Put tags before or behind a text, between commas."""
    comma = "，" if language == "zh" else ", "
    for tag in tags:
        if not text:
            text = tag
        elif tag.startswith(("in ", "as ")):
            text += pick(rng, (" ", ", ")) + tag
        elif chance(rng, 0.3):
            text = f"{tag}{comma}{text}"
        else:
            text = f"{text}{comma}{tag}"
    return text


def _punctuated(text: str, opening: str, wording: Wording, rng: np.random.Generator) -> str:
    """Return a text with its beginning and end as people type them."""
    if not text:
        return text
    opened = "{opening}" in wording.pattern and opening in text
    if wording.language == "zh":
        if opened and opening in phrases_zh.QUESTIONS:
            return text + phrases_zh.QUESTIONS[opening] + ("？" if chance(rng, 0.8) else "")
        return text + "。" if chance(rng, 0.2) else text
    if opened and wording.loose and chance(rng, _PLEASE_SHARE):
        text += pick(rng, (" please", ", please", " pls"))
    if opened and opening.startswith(("can ", "could ")):
        text += "?" if chance(rng, 0.8) else ""
    elif chance(rng, 0.15):
        text += "."
    if wording.loose and len(text) < 60 and chance(rng, _SHOUTED_SHARE):
        return text.upper()
    return text[0].upper() + text[1:] if chance(rng, 0.4) else text


def _enhanced(
    text: str, scene: Scene, said: frozenset[str], language: str, rng: np.random.Generator
) -> str:
    """Append what an enhancer would: quality words, and light that agrees with the time of day."""
    phrases = _phrases(language)
    default = phrases.QUALITY[0]
    extras = [default if chance(rng, 0.4) else pick(rng, phrases.QUALITY)]
    comma = "，" if language == "zh" else ", "
    plain = "style" not in said
    if chance(rng, _ADDITIONS_SHARE):
        extras = [comma.join(pick(rng, _additions(language)) for _ in range(3))]
    elif not plain and chance(rng, 0.5):
        extras = [comma.join(phrases.STYLE_QUALITY[scene.style][:3])]
    lit = plain and "time" in said and scene.weather == "clear" and scene.place not in SKYLESS
    if lit and chance(rng, 0.25):
        extras.insert(int(rng.integers(2)), pick(rng, phrases.LIGHT_HINTS[scene.time]))
    joints, stop = (("，", "。", "。"), "。") if language == "zh" else ((", ", ". ", ". "), ".")
    parts = [each.rstrip(stop) for each in (text, *extras) if each]
    joined = pick(rng, joints).join(parts) + stop
    return (
        joined.replace("?. ", "? ").replace("?, ", "? ").replace("？。", "？").replace("？，", "？")
    )


@cache
def _additions(language: str) -> tuple[str, ...]:
    """Return all that the enhancer can append to a prompt."""
    slots: list[Slot] = [slot for implied in IMPLIED.values() for slot in implied]
    said = [each for slot in (*slots, *PLAIN_QUALITY, EXTRAS) for each in slot]
    return tuple(text for each in said for text in (each.zh if language == "zh" else each.en))


def _phrases(language: str) -> ModuleType:
    return phrases_zh if language == "zh" else phrases_en
