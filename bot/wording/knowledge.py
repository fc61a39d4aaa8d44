"""Sentences about a model that knows little: that it is the demo model, and what it knows."""

from __future__ import annotations

from bot.i18n import Words
from bot.request.notes import LimitedModel
from bot.wording.lists import separated
from engine.diffusion.families import Family
from engine.prompts import SUBJECTS, KnownNames, Topic
from engine.prompts.language import is_han

NAMES_SHOWN = 9
"""Names of one group in a line on a card; a list has all. Chosen by hand."""


def limited_model(note: LimitedModel, say: Words) -> str:
    """Return the short line for a card: the model's name, and the beginning of what it knows."""
    names = known_list(note.known, NAMES_SHOWN)
    if note.recognized:
        return say("Built-in demo model. It knows: {names}", names=names)
    return say(
        "The built-in demo model knows nothing in this prompt. It knows: {names}", names=names
    )


def known_list(known: KnownNames, shown: int | None = None) -> str:
    """Return the things, places and times in one line. shown: the most names of each."""
    return " · ".join(_joined(names, shown) for topic, names in known if topic in SUBJECTS)


def nothing_known(say: Words) -> str:
    """Say why a prompt has to be confirmed."""
    return say(
        "The built-in demo model knows no thing, place or time of day in this prompt, so the "
        "picture would have little to do with it."
    )


def unknown_prompts(prompts: str, known: KnownNames, say: Words) -> str:
    """Say that the model knows nothing in these prompts, which are a quotation."""
    return say(
        "The built-in demo model knows nothing in {prompts}. It knows: {names}",
        prompts=prompts,
        names=known_list(known),
    )


def demo_model(known: KnownNames, say: Words) -> str:
    """Say that this is the demo model and all that it knows, in one line."""
    groups = separated(known_rows(known, say), say)
    return say("This is the built-in demo model. It knows only these: {groups}.", groups=groups)


def known_rows(known: KnownNames, say: Words) -> list[str]:
    """Return everything that the model knows, one text for each group."""
    return [
        say("{name}: {value}", name=_heading(topic, say), value=_joined(names))
        for topic, names in known
    ]


def prompt_ideas(family: Family, say: Words) -> tuple[str, ...]:
    """Return three prompts that a newcomer can begin with: of what the model knows, if that is
    little."""
    ideas = (
        say("a red fox in fresh snow, morning light"),
        say("a small bookshop on a rainy night, warm windows"),
        say("a paper boat on a pond of stars, watercolour"),
    )
    return ideas if family.vocabulary is None else family.vocabulary().examples_for(ideas[0])


def _heading(topic: Topic, say: Words) -> str:
    match topic:
        case Topic.THINGS:
            return say("things")
        case Topic.PLACES:
            return say("places")
        case Topic.TIMES:
            return say("times of day")
        case Topic.WEATHERS:
            return say("weather")
        case Topic.COLOURS:
            return say("colours")
        case Topic.STYLES:
            return say("styles")


def _joined(names: tuple[str, ...], shown: int | None = None) -> str:
    """Join names as their language does; a list that is cut ends in an ellipsis."""
    cut = names[:shown]
    comma = "、" if any(map(is_han, "".join(cut))) else ", "
    return comma.join([*cut, "…"] if len(cut) < len(names) else cut)
