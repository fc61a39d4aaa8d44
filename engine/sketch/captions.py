"""Describe a scene in English or Chinese, long or short, plain or enhanced."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.sketch import phrases_en, phrases_zh
from engine.sketch.spec import Scene

LANGUAGES: Final = ("en", "zh")
ASPECTS: Final = ("place", "time", "weather", "thing", "colour")
"""The aspects of a scene that a caption can mention."""
EMPTY_SHARE: Final = 0.1
"""Share of captions that mention nothing, for classifier-free guidance to steer away from: a tenth,
as is customary."""

_ENHANCED_SHARE: Final = 0.45
_OMITTED: Final = {"place": 0.05, "time": 0.06, "weather": 0.04, "thing": 0.03, "colour": 0.06}
_SHORT_SHARE: Final = 0.08
"""Share of captions that mention little more than the thing. Chosen by hand, as are the others."""
_SHORT_OMITTED: Final = {"place": 0.8, "time": 0.8, "weather": 0.8, "thing": 0.0, "colour": 0.1}


@dataclass(frozen=True, slots=True)
class Wording:
    """How a scene is worded."""

    language: str
    pattern: str
    enhanced: bool
    omitted: frozenset[str] = frozenset()
    """Which of place, time, weather, thing and colour are not mentioned."""


def draw_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Draw a training caption: any wording, sometimes empty, sometimes only a negative prompt."""
    return draw_labelled_caption(scene, rng)[0]


def draw_labelled_caption(scene: Scene, rng: np.random.Generator) -> tuple[str, frozenset[str]]:
    """Draw a training caption, and which of `ASPECTS` it mentions; clear weather never counts."""
    language = LANGUAGES[int(rng.random() < 0.45)]
    if rng.random() < EMPTY_SHARE:
        phrases = phrases_zh if language == "zh" else phrases_en
        return (_pick(rng, phrases.NEGATIVES) if rng.random() < 0.6 else ""), frozenset()
    short = scene.thing is not None and rng.random() < _SHORT_SHARE
    wording = Wording(
        language,
        _pick(rng, patterns(language)),
        bool(rng.random() < _ENHANCED_SHARE),
        frozenset(
            part
            for part, share in (_SHORT_OMITTED if short else _OMITTED).items()
            if rng.random() < share
        ),
    )
    return caption(scene, wording, rng), _mentioned(scene, wording.omitted)


def _mentioned(scene: Scene, omitted: frozenset[str]) -> frozenset[str]:
    unsaid = set(omitted)
    if scene.thing is None or "thing" in omitted:
        unsaid |= {"thing", "colour"}
    if scene.weather == "clear":
        unsaid.add("weather")
    return frozenset(ASPECTS) - unsaid


def patterns(language: str, *, held_out: bool = False) -> tuple[str, ...]:
    """Return the sentence patterns of a language: those of training, or the held-out ones."""
    phrases = phrases_zh if language == "zh" else phrases_en
    return phrases.HELD_OUT_PATTERNS if held_out else phrases.PATTERNS


def caption(scene: Scene, wording: Wording, rng: np.random.Generator) -> str:
    """Word a scene; synonyms come from `rng`. Nothing that the scene lacks is mentioned."""
    hidden = wording.omitted
    if wording.language == "zh":
        text = _chinese(scene, wording.pattern, hidden, rng)
    else:
        text = _english(scene, wording.pattern, hidden, rng)
    if wording.enhanced:
        text = _enhanced(text, scene, wording.language, "time" in hidden, rng)
    return text


def _english(scene: Scene, pattern: str, hidden: frozenset[str], rng: np.random.Generator) -> str:
    thing = "" if "thing" in hidden else _english_thing(scene, "colour" in hidden, rng)
    words = {
        "thing": thing,
        "bare": re.sub(r"^an? ", "", thing),
        "verb": _pick(rng, phrases_en.VERBS[scene.thing]) if thing and scene.thing else "",
        "opening": _pick(rng, phrases_en.OPENINGS),
        "noun": "", "place": "", "time": "", "time_noun": "",
        "weather": "", "weather_tag": "", "adjective": "",
    }  # fmt: skip
    if "place" not in hidden:
        words["noun"] = _pick(rng, phrases_en.PLACE_NOUNS[scene.place])
        words["place"] = _pick(rng, phrases_en.PLACE_PHRASES[scene.place])
    if "time" not in hidden:
        words["time"] = _pick(rng, phrases_en.TIME_PHRASES[scene.time])
        words["time_noun"] = _pick(rng, phrases_en.TIME_NOUNS[scene.time])
    if "weather" not in hidden:
        words["weather"] = _pick(rng, phrases_en.WEATHER_PHRASES[scene.weather])
        words["weather_tag"] = _pick(rng, phrases_en.WEATHER_TAGS[scene.weather])
        words["adjective"] = _pick(rng, phrases_en.WEATHER_ADJECTIVES[scene.weather])
    if not thing:
        pattern = re.sub(
            r",? ?(and )?(with |there is |seen )?\{thing\}( \{verb\}| and)?", "", pattern
        )
        pattern = pattern.replace("{place}", "{noun}")
    text = _tidy_english(pattern.format(**words))
    if text and rng.random() < 0.4:
        text = text[0].upper() + text[1:]
    return text + "." if text and rng.random() < 0.15 else text


def _english_thing(scene: Scene, plain: bool, rng: np.random.Generator) -> str:
    if scene.thing is None or scene.colour is None:
        return ""
    thing = _pick(rng, phrases_en.THING_WORDS[scene.thing])
    colour = "" if plain else _pick(rng, phrases_en.COLOUR_WORDS[scene.colour])
    if colour and scene.thing == "person" and rng.random() < 0.6:
        dress = _pick(rng, ("in {}", "in {} coat", "in {} clothes", "wearing {}", "with {} hat"))
        garment = _with_article(colour) if dress.endswith(("coat", "hat")) else colour
        phrase = f"{thing} {dress.format(garment)}"
    else:
        phrase = f"{colour} {thing}".strip()
    return _with_article(phrase)


def _with_article(phrase: str) -> str:
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def _tidy_english(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"(\s*,)+", ",", text)
    text = re.sub(r"\s+:", ":", text)
    text = re.sub(r"^(and|with)\b|\b(with|and|there is)$", "", text.strip(" ,:"))
    return re.sub(r"\s+", " ", text).strip(" ,:")


def _chinese(scene: Scene, pattern: str, hidden: frozenset[str], rng: np.random.Generator) -> str:
    thing = "" if "thing" in hidden else _chinese_thing(scene, "colour" in hidden, rng)
    words = {
        "thing": thing,
        "bare": re.sub("^一.", "", thing),
        "opening": _pick(rng, phrases_zh.OPENINGS),
        "noun": "", "place": "", "time": "", "weather": "",
    }  # fmt: skip
    if "place" not in hidden:
        words["noun"] = _pick(rng, phrases_zh.PLACE_NOUNS[scene.place])
        words["place"] = _pick(rng, phrases_zh.PLACE_PHRASES[scene.place])
    if "time" not in hidden:
        words["time"] = _pick(rng, phrases_zh.TIME_PHRASES[scene.time])
    if "weather" not in hidden:
        words["weather"] = _pick(rng, phrases_zh.WEATHER_PHRASES[scene.weather])
    if not thing:
        pattern = re.sub(r"，?[的和有]?\{thing\}", "", pattern).replace("{place}", "{noun}")
    text = pattern.format(**words).replace("，在，", "，")
    text = re.sub("^[的和有，在]+|[的和有，在]+$", "", text)
    text = re.sub("，[的和]?(?=，)", "", text).replace("，的", "，").replace("，和", "，")
    return text + "。" if text and rng.random() < 0.25 else text


def _chinese_thing(scene: Scene, plain: bool, rng: np.random.Generator) -> str:
    if scene.thing is None or scene.colour is None:
        return ""
    options = phrases_zh.THING_WORDS[scene.thing]
    count, thing = options[int(rng.integers(len(options)))]
    colour = "" if plain else _pick(rng, phrases_zh.COLOUR_WORDS[scene.colour])
    if colour and scene.thing == "person":
        dress = _pick(rng, ("穿{}衣服的", "穿着{}外套的", "戴{}帽子的"))
        colour = dress.format(colour.removesuffix("的"))
    return f"{count if rng.random() < 0.75 else ''}{colour}{thing}"


def _enhanced(
    text: str, scene: Scene, language: str, timeless: bool, rng: np.random.Generator
) -> str:
    """Append what an enhancer would: quality words, and light that agrees with the time of day."""
    phrases = phrases_zh if language == "zh" else phrases_en
    default = phrases.QUALITY[0]
    quality = default if rng.random() < 0.4 else _pick(rng, phrases.QUALITY)
    extras = [quality]
    if not timeless and rng.random() < 0.25:
        extras.insert(int(rng.integers(2)), _pick(rng, phrases.LIGHT_HINTS[scene.time]))
    if not text:
        return quality
    joints, stop = (("，", "。", "。"), "。") if language == "zh" else ((", ", ". ", ". "), ".")
    return _pick(rng, joints).join([text.rstrip(stop), *(e.rstrip(stop) for e in extras)]) + stop


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
