"""Every word goes through gettext."""

from __future__ import annotations

import ast

from bot.i18n import LOCALES, words
from tests.bot.messages import BOT, KEYWORDS, template


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


def test_what_is_said_is_collected():
    """No message stands inside an f-string, where the collector of messages does not look."""
    files = sorted(BOT.rglob("*.py"))
    found = {file.relative_to(BOT): hidden(file.read_text(encoding="utf-8")) for file in files}
    assert files and {name: calls for name, calls in found.items() if calls} == {}


def test_a_hidden_message_would_be_noticed():
    """In whatever way the words are reached, and however deep in the f-string."""
    nested = """f'{say("a")} {0:{self.say.plural("b", "b", 2)}}'"""
    assert len(hidden(f"{nested}\nf'{{[locale_str(1)]}}'")) == 3
    assert hidden("a = say('a')\nf'{a} {say} {told(1)}'") == []


def hidden(source: str) -> list[str]:
    """The calls within f-strings that say something, as they are written."""
    strings = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.JoinedStr)]
    calls = {each for string in strings for each in ast.walk(string) if isinstance(each, ast.Call)}
    return [ast.unparse(call) for call in calls if _called(call) in KEYWORDS]


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
