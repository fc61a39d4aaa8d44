"""Word a scene in Chinese."""

import re
from functools import cache
from typing import Final

import numpy as np

from engine.sketch import phrases_zh as phrases
from engine.sketch.spec import Subject
from engine.sketch.words import Filling, Plan, chance, pick

_NOTHING: Final = "\0"
"""Stands for what is not said, until the sentence is joined."""
_OPENED: Final = "\1"
"""Stands behind an opening."""
_NO_NUMBER_SHARE: Final = 0.25
_COLOURED_PERSON_SHARE: Final = 0.15
"""How people type: no number, "red woman". By hand."""


def describe(plan: Plan, rng: np.random.Generator) -> str:
    """Return a phrase or sentence for what the plan says, without style and quality."""
    thing = _things(plan, rng)
    pattern = plan.pattern if thing else _without_thing(plan.pattern)
    words = _setting(plan, rng)
    words["thing"] = words["bare"] = thing
    opening = plan.opening if thing or words["noun"] != _NOTHING else ""
    words["opening"] = opening + _OPENED
    return _tidy(pattern.format(**words))


def _setting(plan: Plan, rng: np.random.Generator) -> dict[str, str]:
    """Return the words for place, time and weather."""
    scene, said = plan.scene, plan.said
    words: dict[str, str] = dict.fromkeys(("noun", "place", "time", "weather"), _NOTHING)
    if "place" in said:
        words["noun"] = pick(rng, phrases.PLACE_NOUNS[scene.place])
        words["place"] = pick(rng, phrases.PLACE_PHRASES[scene.place])
    if "time" in said:
        times = phrases.TIME_PHRASES[scene.time]
        words["time"] = pick(
            rng, times + phrases.SKY_PHRASES[scene.time] if plan.open_sky else times
        )
    if "weather" in said:
        weathers = phrases.WEATHER_PHRASES[scene.weather]
        sunny = scene.weather == "clear" and scene.time == "noon"
        words["weather"] = pick(rng, weathers + phrases.SUNNY_PHRASES if sunny else weathers)
    return words


def _things(plan: Plan, rng: np.random.Generator) -> str:
    bare = "{bare}" in plan.pattern
    if not plan.scene.subjects:
        return _unknown(plan.filling)
    if "thing" not in plan.said:
        return ""
    things = [
        _thing(plan, number, each, bare, rng) for number, each in enumerate(plan.scene.subjects)
    ]
    if len(things) == 1:
        return things[0]
    joiners = phrases.JOINERS
    if "{thing}在" in plan.pattern:
        joiners = tuple(each for each in joiners if "，" not in each)
    return pick(rng, joiners).format(*things)


def _unknown(filling: Filling) -> str:
    return "".join((filling.after, *filling.adjectives, filling.noun)) if filling.noun else ""


def _thing(plan: Plan, number: int, subject: Subject, bare: bool, rng: np.random.Generator) -> str:
    """Return one thing with its number and measure word, its colour and its filler words."""
    options = phrases.THING_WORDS[subject.thing]
    measure, noun = options[int(rng.integers(len(options)))]
    counted = ""
    if subject.count > 1:
        counted = pick(rng, phrases.NUMBER_WORDS[subject.count]) + measure
    elif not bare and not chance(rng, _NO_NUMBER_SHARE):
        counted = "一" + measure
    colour = ""
    if ("colour", "colour2")[number] in plan.said:
        colour = _coloured(
            plan, subject, noun, pick(rng, phrases.COLOUR_WORDS[subject.colour]), rng
        )
        if subject.thing == "noodles":
            bowl = f"用{colour}碗盛的" if counted else f"{colour}碗里的"
            colour = bowl
    filling = plan.filling.of(number)
    return "".join((counted, filling.after, *filling.adjectives, colour, noun))


def _coloured(
    plan: Plan, subject: Subject, noun: str, colour: str, rng: np.random.Generator
) -> str:
    if subject.thing in phrases.GARMENTS and not (
        plan.loose and chance(rng, _COLOURED_PERSON_SHARE)
    ):
        dress = pick(rng, phrases.GARMENTS[subject.thing])
        return dress.format(colour.removesuffix("的"))
    if len(colour) == 1 and noun[0] in "小大热飞巨":
        return colour + "色的"
    return colour


@cache
def _without_thing(pattern: str) -> str:
    """Return a pattern for a scene that shows only its place."""
    pattern = re.sub(r"，?[的和有]?\{(thing|bare)\}", "", pattern)
    pattern = pattern.replace("{place}", "{noun}").replace("在{noun}", "，{noun}")
    return pattern.replace("，，", "，")


# What is empty takes 的 and 有 behind it along: no word of the grammar begins with either.
_EMPTY_LEAD: Final = re.compile("(^|[，：\1])\0+(?:的|有)?")
_EMPTY_TAIL: Final = re.compile("在\0|的?\0")
_OPENED_ENDS: Final = re.compile("\1[，有的]*")
_COMMAS: Final = re.compile("，+(?:有(?=，|$))?，*")
_EDGES: Final = re.compile("^[的和，在 ]+|[的和，在 ]+$")
_SPACES: Final = re.compile(" +")


def _tidy(text: str) -> str:
    text = _EMPTY_TAIL.sub("", _EMPTY_LEAD.sub(r"\1", text))
    text = _COMMAS.sub("，", _OPENED_ENDS.sub("", text))
    return _SPACES.sub(" ", _EDGES.sub("", text))
