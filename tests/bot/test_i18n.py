"""All texts go through gettext."""

from __future__ import annotations

import ast

from bot.i18n import LOCALES, words
from tests.bot.messages import BOT, KEYWORDS, template


def test_the_template_is_up_to_date():
    """bot/locales/zimagine.pot has every message in the code; `make messages` updates it."""
    assert (LOCALES / "zimagine.pot").read_bytes() == template()


def test_values_are_put_in_after_translation():
    """Braces in a member's text are never taken for a placeholder."""
    say = words("en-US")
    assert say("Added: {words}", words="{0} {x} {{") == "Added: {0} {x} {{"


def test_plurals():
    """Singular and plural have their own forms."""
    say = words()
    forms = [say.plural("{n} step", "{n} steps", n) for n in (1, 2)]
    assert forms == ["1 step", "2 steps"]


def test_an_unknown_language_speaks_english():
    """A locale without a catalogue falls back to English."""
    assert words("xx-YY")("Reroll") == "Reroll"


def test_what_is_said_is_collected():
    """No message is inside an f-string, where the extractor would not find it."""
    files = sorted(BOT.rglob("*.py"))
    found = {file.relative_to(BOT): hidden(file.read_text(encoding="utf-8")) for file in files}
    assert files and {name: calls for name, calls in found.items() if calls} == {}


def test_a_hidden_message_would_be_noticed():
    """A message in an f-string is noticed, however deep it is and however `say` is reached."""
    nested = """f'{say("a")} {0:{self.say.plural("b", "b", 2)}}'"""
    assert len(hidden(f"{nested}\nf'{{[locale_str(1)]}}'")) == 3
    assert hidden("a = say('a')\nf'{a} {say} {told(1)}'") == []


def hidden(source: str) -> list[str]:
    """Return the source of all calls in f-strings that translate a message."""
    strings = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.JoinedStr)]
    calls = {each for string in strings for each in ast.walk(string) if isinstance(each, ast.Call)}
    return [ast.unparse(call) for call in calls if _called(call) in KEYWORDS]


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
