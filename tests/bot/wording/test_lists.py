"""Lists in sentences and rows, in each language."""

from __future__ import annotations

import ast

import pytest

from bot.discord.client import PERMISSIONS
from bot.i18n import words
from bot.wording.lists import alternatives, enumerated, listed, separated
from bot.wording.permissions import permission_names
from tests.bot.messages import BOT

ENGLISH, CHINESE = words("en"), words("zh-CN")
LISTED = [
    ((), "", ""),
    (("a",), "a", "a"),
    (("a", "b"), "a and b", "a和b"),
    (("a", "b", "c"), "a, b and c", "a、b和c"),
]


@pytest.mark.parametrize(("items", "english", "chinese"), LISTED)
def test_a_sentence_names_what_there_is(items: tuple[str, ...], english: str, chinese: str):
    """The last one is joined by a word; one alone and none are themselves."""
    assert (listed(items, ENGLISH), listed(items, CHINESE)) == (english, chinese)
    assert alternatives(items, ENGLISH) == english.replace(" and ", " or ")


def test_a_list_is_cut():
    """What is left out is an ellipsis, and exactly as many as are shown are whole."""
    for join in (listed, enumerated):
        assert join("abcd", ENGLISH, shown=2) == "a, b, …" and join("ab", CHINESE, shown=1) == "a…"
    assert listed("ab", ENGLISH, shown=2) == "a and b"
    assert enumerated("ab", ENGLISH, shown=2) == "a, b"


def test_items_may_be_lists_and_have_braces():
    """What people wrote is never taken for a placeholder."""
    assert separated(("a: {b}", "{0}"), ENGLISH) == "a: {b}; {0}"
    assert separated(("甲：乙", "丙"), CHINESE) == "甲：乙；丙"


@pytest.mark.parametrize("name", [name for name, needed in PERMISSIONS if needed])
def test_every_permission_has_the_name_that_discord_shows(name: str):
    """Each that the bot needs is named in words, in both languages."""
    english, chinese = permission_names([name], ENGLISH), permission_names([name], CHINESE)
    assert name not in english and name not in chinese and english != chinese


def test_no_sentence_is_glued_from_a_list():
    """Nothing that people read joins its items by a comma of its own."""
    files = [*(BOT / "wording").rglob("*.py"), *(BOT / "discord").rglob("*.py")]
    found = {
        str(file.relative_to(BOT)): glued
        for file in files
        if (glued := [*_joined(file.read_text(encoding="utf-8"))])
    }
    assert found == {
        "discord/commands/options.py": [", "],  # a prompt's words, as a choice shows them
        "discord/commands/rules.py": [", "],  # names, as they are typed
        "discord/handlers/router.py": [", "],  # for the log
        "wording/knowledge.py": ["、", ", "],  # in the language of the words
        "wording/prompt_analysis.py": ["、", ", "],
        "wording/prompt_reading.py": ["、", ", "],  # in the language of the words
    }


def _joined(source: str) -> list[str]:
    """Return the separators of lists in Python source: what is joined by, and what is chosen."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.IfExp):
            found += [node.body, node.orelse]
        if isinstance(node, ast.Attribute) and node.attr == "join":
            found.append(node.value)
    texts = [each.value for each in found if isinstance(each, ast.Constant)]
    return [str(text) for text in texts if text in (", ", "; ", "、", "；")]
