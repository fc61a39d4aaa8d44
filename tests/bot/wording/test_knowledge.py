"""Sentences about a model that knows little."""

from __future__ import annotations

from bot.i18n import words
from bot.request.notes import LimitedModel
from bot.wording.knowledge import (
    NAMES_SHOWN,
    demo_model,
    known_list,
    limited_model,
    unknown_prompts,
)
from engine.prompts import KnownNames, Topic

SAY = words()
MANY: KnownNames = (
    (Topic.THINGS, tuple(f"thing{n}" for n in range(40))),
    (Topic.PLACES, ("forest", "sea")),
    (Topic.COLOURS, ("red",)),
)


def test_a_card_has_one_short_line():
    """A card names the first things, places and times, however many there will be."""
    line = limited_model(LimitedModel(MANY, recognized=True), SAY)
    assert line.startswith("Built-in demo model. It knows: thing0, ") and "\n" not in line
    assert f"thing{NAMES_SHOWN - 1}, … · forest, sea" in line
    assert f"thing{NAMES_SHOWN}" not in line and "red" not in line
    assert "knows nothing in this prompt" in limited_model(LimitedModel(MANY, False), SAY)


def test_a_list_has_all_of_it():
    """Everything is named where there is room, in the groups it belongs to."""
    told = demo_model(MANY, SAY)
    assert all(name in told for _, names in MANY for name in names)
    assert "places: forest, sea; colours: red." in told
    sentence = unknown_prompts("“a cat”", MANY, SAY)
    assert "knows nothing in “a cat”" in sentence and "thing39" in sentence


def test_chinese_words_are_listed_as_such():
    """Chinese words are separated as Chinese ones."""
    assert known_list(((Topic.THINGS, ("房子", "船")),)) == "房子、船"
