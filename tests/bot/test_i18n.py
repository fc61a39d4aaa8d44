"""All texts go through gettext."""

from __future__ import annotations

import ast

import pytest
from babel.messages.pofile import read_po

from bot.i18n import LOCALES, words
from tests.bot.messages import BOT, call_texts, marked_calls, messages, template


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


def test_every_plural_in_the_code_is_in_the_template():
    """Each call of `plural` has its singular and its plural in bot/locales/zimagine.pot."""
    with (LOCALES / "zimagine.pot").open("rb") as file:
        collected = [message.id for message in read_po(file)]
    calls = [
        call
        for file in BOT.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "plural"
    ]
    forms = [tuple(ast.literal_eval(text) for text in call.args[:2]) for call in calls]
    assert forms and [each for each in forms if each not in collected] == []


NESTED = {
    "say('a')": ["a"],
    "say('a' 'b')": ["ab"],
    "self.say.plural('a', 'b', n)": [("a", "b")],
    "say.plural('a', 'b', n, x=size(y, say))": [("a", "b")],
    "say.plural('a', 'b', n, x=say('c'))": [("a", "b"), "c"],
    "say.plural('a', 'b', n, x=size(say('c')))": [("a", "b"), "c"],
    "say('a', x=say.plural('b', 'c', n))": ["a", ("b", "c")],
    "say('a', x=size(say.plural('b', 'c', n), say))": ["a", ("b", "c")],
    "say('a', x=[plural('b', 'c', n) for n in say])": ["a", ("b", "c")],
    "say.plural('a', 'b', len([say('c')]))": [("a", "b"), "c"],
    "locale_str('a', x=translatable('b'))": ["a", "b"],
    """f'{say("a")} {0:{say.plural("b", "c", 2)}}'""": ["a", ("b", "c")],
    "say(text); told('a'); say.other('a')": [],
    "def say(text='a'): ...": [],
}


@pytest.mark.parametrize("source", NESTED)
def test_messages_are_found_however_deep(source: str):
    """A message is collected with its plural, also in another message's call and in f-strings."""
    assert sorted(messages(source), key=str) == sorted(NESTED[source], key=str)


def test_no_message_is_computed():
    """What is translated is a literal or a variable; a text put together would not be collected."""
    files = sorted(BOT.rglob("*.py"))
    found = {file.relative_to(BOT): computed(file.read_text(encoding="utf-8")) for file in files}
    assert files and {name: texts for name, texts in found.items() if texts} == {}


def test_a_computed_message_would_be_noticed():
    """A text that is put together or chosen inside the call is noticed, a literal is not."""
    assert len(computed("say(f'{a}'); say('a' + b); say.plural('a', 'b' if c else 'd', n)")) == 3
    assert len(computed("say('{}'.format(a)); locale_str(f'a{b}'); say('a' % b)")) == 3
    assert computed("say('a' 'b', x=f'{a}'); say(text); say(texts[kind]); say(label(row))") == []


def computed(source: str) -> list[str]:
    """Return the source of all messages that are put together or chosen inside their call."""
    texts = [text for call in marked_calls(source) for text in call_texts(call)]
    return [
        ast.unparse(text)
        for text in texts
        if not isinstance(text, ast.Constant) and any(map(_is_text, ast.walk(text)))
    ]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
