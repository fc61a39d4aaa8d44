"""Word a scene in English."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from engine.sketch import phrases_en as phrases
from engine.sketch.spec import Subject
from engine.sketch.words import Filling, Plan, chance, pick

_ARTICLES: Final = re.compile(r"\b(?:an?|the) ", re.IGNORECASE)
_UNCOUNTED_FILLERS: Final = frozenset({"something", "love", "chess", "pizza"})
_NO_ARTICLES_SHARE: Final = 0.06
_NO_ARTICLE_SHARE: Final = 0.1
_DEFINITE_SHARE: Final = 0.04
_COLOURED_PERSON_SHARE: Final = 0.2
"""How people type: without articles at all, without one, "the", "a red woman". By hand."""


@dataclass(frozen=True, slots=True)
class _Noun:
    """A thing in words, with its number for the verb."""

    text: str
    plural: bool = False


def describe(plan: Plan, rng: np.random.Generator) -> str:
    """Return a phrase or sentence for what the plan says, without style and quality."""
    noun = _things(plan, rng)
    pattern = _fitting(plan.pattern, bool(noun.text), "place" in plan.said, "time" in plan.said)
    words = _setting(plan, rng)
    words["thing"] = words["bare"] = noun.text
    words["there"] = "there are" if noun.plural else "there is"
    words["verb"] = _verb(plan, noun, bool(words["place"]), rng)
    words["opening"] = plan.opening if noun.text or words["noun"] else ""
    text = _tidy(pattern.format(**words))
    if plan.loose and chance(rng, _NO_ARTICLES_SHARE):
        text = _ARTICLES.sub("", text)
    return text


def _setting(plan: Plan, rng: np.random.Generator) -> dict[str, str]:
    """Return the words for place, time and weather; empty for what is not said."""
    scene, said = plan.scene, plan.said
    words = {
        "noun": "", "bare_noun": "", "place": "", "time": "", "time_noun": "",
        "weather": "", "weather_tag": "", "adjective": "",
    }  # fmt: skip
    if "place" in said:
        words["noun"] = pick(rng, phrases.PLACE_NOUNS[scene.place])
        words["bare_noun"] = _ARTICLES.sub("", words["noun"], 1)
        words["place"] = pick(rng, phrases.PLACE_PHRASES[scene.place])
    if "time" in said:
        phrase, noun = phrases.TIME_PHRASES[scene.time], phrases.TIME_NOUNS[scene.time]
        if plan.open_sky:
            phrase += phrases.SKY_PHRASES[scene.time]
            noun += phrases.SKY_NOUNS[scene.time]
        words["time"], words["time_noun"] = pick(rng, phrase), pick(rng, noun)
    if "weather" in said:
        phrase, tag = phrases.WEATHER_PHRASES[scene.weather], phrases.WEATHER_TAGS[scene.weather]
        if scene.weather == "clear" and scene.time == "noon":
            phrase += phrases.SUNNY_PHRASES
            tag += phrases.SUNNY_TAGS
        words["weather"], words["weather_tag"] = pick(rng, phrase), pick(rng, tag)
        words["adjective"] = pick(rng, phrases.WEATHER_ADJECTIVES[scene.weather])
    return words


def _things(plan: Plan, rng: np.random.Generator) -> _Noun:
    bare = "{bare}" in plan.pattern
    if not plan.scene.subjects:
        return _unknown(plan.filling, bare, rng)
    if "thing" not in plan.said:
        return _Noun("")
    nouns = [
        _thing(plan, number, each, bare, rng) for number, each in enumerate(plan.scene.subjects)
    ]
    if len(nouns) == 1:
        return nouns[0]
    joiner = pick(rng, phrases.JOINERS)
    return _Noun(joiner.format(*(each.text for each in nouns)), " and " in joiner)


def _unknown(filling: Filling, bare: bool, rng: np.random.Generator) -> _Noun:
    if not filling.noun:
        return _Noun("")
    phrase = " ".join(filter(None, (*filling.adjectives, filling.noun, filling.after)))
    name = filling.noun[0].isupper() or filling.noun in _UNCOUNTED_FILLERS
    return _Noun(phrase if bare or name or chance(rng, 0.3) else _with_article(phrase))


def _thing(
    plan: Plan, number: int, subject: Subject, bare: bool, rng: np.random.Generator
) -> _Noun:
    """Return one thing with its number or article, its colour and its filler words."""
    filling = plan.filling.of(number)
    noun = pick(rng, phrases.THING_WORDS[subject.thing])
    several = subject.count > 1
    if several and noun in phrases.UNCOUNTED:
        noun = phrases.THING_WORDS[subject.thing][0]
    after, colour = "", ""
    if ("colour", "colour2")[number] in plan.said:
        colour = pick(rng, phrases.COLOUR_WORDS[subject.colour])
        if plan.loose and subject.thing in phrases.FURRY and chance(rng, 0.15):
            colour = phrases.FUR_WORDS.get(colour, colour)
        if subject.thing in phrases.GARMENTS:
            if not (plan.loose and chance(rng, _COLOURED_PERSON_SHARE)):
                after, colour = _dress(subject, colour, rng), ""
        elif noun in phrases.UNCOUNTED:
            after, colour = f"in {_with_article(colour)} bowl", ""
    named = _plural(noun) if several else noun
    phrase = " ".join(filter(None, (*filling.adjectives, colour, named, after, filling.after)))
    if several:
        return _Noun(f"{pick(rng, phrases.NUMBER_WORDS[subject.count])} {phrase}", plural=True)
    if bare or noun in phrases.UNCOUNTED:
        return _Noun(phrase, noun == "noodles")
    if plan.loose and chance(rng, _NO_ARTICLE_SHARE):
        return _Noun(phrase)
    if subject.thing == "moon" or (plan.loose and chance(rng, _DEFINITE_SHARE)):
        return _Noun(f"the {phrase}")
    return _Noun(_with_article(phrase))


def _dress(subject: Subject, colour: str, rng: np.random.Generator) -> str:
    """Return what people wear: "in a red coat", "wearing red"."""
    way = pick(rng, ("in", "wearing", "in", "dressed in"))
    if chance(rng, 0.3):
        return f"{way} {colour}"
    if chance(rng, 0.25):
        return f"{way} {colour} clothes"
    garment = pick(rng, phrases.GARMENTS[subject.thing])
    if subject.count > 1:
        return f"{way} {colour} {_plural(garment)}"
    return f"{way} {_with_article(colour)} {garment}"


def _verb(plan: Plan, noun: _Noun, placed: bool, rng: np.random.Generator) -> str:
    """Return a verb or participle; "is" only where a place follows."""
    subjects = plan.scene.subjects
    options = phrases.VERBS[subjects[0].thing] if subjects else ("waits", "waiting", "appears")
    verb = pick(rng, ("is", "waits", "waiting") if len(subjects) > 1 else options)
    if verb == "is" and not (placed and "{verb} {place}" in plan.pattern):
        verb = "waiting" if len(subjects) > 1 else options[0]
    return _plural_verb(verb) if noun.plural else verb


@cache
def _plural(noun: str) -> str:
    first, of, rest = noun.partition(" of ")
    if of:
        return f"{_plural(first)} of {rest}"
    if noun in phrases.PLURALS:
        return phrases.PLURALS[noun]
    if re.search("[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if re.search("(?:s|x|z|ch|sh)$", noun) else "s")


@cache
def _plural_verb(verb: str) -> str:
    first, space, rest = verb.partition(" ")
    if first.endswith("ing") or not first.endswith("s"):
        return verb
    plural = {"is": "are", "lies": "lie", "flies": "fly"}.get(first, first[:-1])
    return f"{plural}{space}{rest}"


def _with_article(phrase: str) -> str:
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


@cache
def _fitting(pattern: str, has_thing: bool, has_place: bool, has_time: bool) -> str:
    """Return a pattern that reads well without what is not said."""
    if not has_thing:
        return _without_thing(pattern)
    adjective = "{adjective} {time_noun}" in pattern and not has_time
    if adjective or (not has_place and "{noun}" in pattern and " {thing}" in pattern):
        opening = "{opening} " if "{opening}" in pattern else ""
        return opening + "{thing} {place} {time} {weather}"
    return pattern


def _without_thing(pattern: str) -> str:
    """Return a pattern for a scene that shows only its place."""
    if "{adjective}" in pattern and "{time_noun}" in pattern:
        return "{adjective} {time_noun}, {noun}"
    pattern = re.sub(r" ?(and )?(with |seen |\{there\} )?\{(thing|bare)\}( \{verb\})?", "", pattern)
    pattern = pattern.replace("{place}", "{noun}").strip()
    return re.sub(r"^(\{opening\} )?(\{(?:time|weather)\}) \{noun\}", r"\1{noun} \2", pattern)


_SPACES: Final = re.compile(r"\s+")
_COMMAS: Final = re.compile(r"(\s*,)+")
_COLON: Final = re.compile(r"\s+:")
_LOOSE_ENDS: Final = re.compile(r"^(?:and|with)\b|\b(?:with|and|there is|seen)$")


def _tidy(text: str) -> str:
    text = _COMMAS.sub(",", _SPACES.sub(" ", text)).strip(" ,:")
    text = _LOOSE_ENDS.sub("", _COLON.sub(":", text))
    return text.strip(" ,:")
