"""Every word goes through gettext."""

from __future__ import annotations

from bot.i18n import LOCALES, words
from tests.bot.messages import template


def test_the_template_is_up_to_date():
    """bot/locales/zimagine.pot holds every message in the code (`make messages` renews it)."""
    assert (LOCALES / "zimagine.pot").read_bytes() == template()


def test_values_are_put_in_after_translation():
    """Braces in a person's words are never taken for a field."""
    say = words("en-US")
    assert say("Added: {words}", words="{0} {x} {{") == "Added: {0} {x} {{"


def test_plurals():
    """One and many have their own forms."""
    say = words()
    forms = [say.plural("{n} step", "{n} steps", n) for n in (1, 2)]
    assert forms == ["1 step", "2 steps"]


def test_an_unknown_language_speaks_english():
    """A locale without a catalogue falls back."""
    assert words("xx-YY")("Reroll") == "Reroll"
