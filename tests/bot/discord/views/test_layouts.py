"""Snapshots of every layout in every language, and that Discord accepts them with any input."""

from __future__ import annotations

import ast
import gettext
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from discord import ui
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

import bot.discord
from bot.delivery.cards import Card
from bot.discord.views.custom_ids import parse, parse_staged
from bot.i18n import Words, words
from bot.pictures.filenames import SPOILER
from bot.wording.names import command_name
from engine.prompts import MAX_PROMPT_CHARS
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.snapshots import ReadableJson, readable
from tests.bot.discord.views.limits import (
    BUTTON,
    GALLERY,
    SECTION,
    SELECT,
    TEXT,
    THUMBNAIL,
    Part,
    cut_on_phones,
    form_problems,
    parts,
    problems,
    text_problems,
)
from tests.bot.discord.views.linked_words import linked, with_links
from tests.bot.discord.views.samples import layouts
from tests.bot.discord.views.samples.data import PROMPT, Shown
from tests.bot.discord.views.samples.layouts import PARTS, SAMPLES
from tests.bot.discord.views.samples.lists import LISTS
from tests.bot.discord.views.samples.results import RESULTS

LOCALES = ("en-US", "zh-CN")
LAYOUT_TYPES = ("ui.LayoutView", "ui.Modal", "Panel")
V2 = 1 << 15

_MARKS = (
    "**",
    "__",
    "||",
    "~~",
    "```",
    "`",
    "# ",
    "-# ",
    "> ",
    "- ",
    "[a](https://b.example)",
    "\\",
)
_MENTIONS = ("@everyone", "@here", "<@123456789012345678>", "<#1>", "<@&123456789012345678>")
_STRANGE = (
    "\u202e",
    "\u2067",
    "שלום",
    "مرحبا",
    "\ud83d",
    "\ude00",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "湖",
    "\u200b",
    "\n",
)
ODD_TEXTS = st.one_of(
    st.lists(
        st.sampled_from([*_MARKS, *_MENTIONS, *_STRANGE, "https://x.example/**", " ", "a"]),
        min_size=1,
        max_size=40,
    ).map("".join),
    st.text(st.characters(), min_size=1, max_size=200),
)
ODD_TEXT_CHARS = 4000


class LongerTexts(gettext.NullTranslations):
    """A language whose texts are longer than the English ones."""

    def gettext(self, message: str) -> str:
        """Return the message, a third longer."""
        return message + "ö" * (len(message) // 3)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the right form, a third longer."""
        return self.gettext(msgid1 if n == 1 else msgid2)


def components(shown: Any) -> list[Any]:
    """Return the components that are sent for a layout; a text counts as one."""
    if isinstance(shown, str):
        return [{"type": TEXT, "content": shown}]
    if isinstance(shown, ui.Modal):
        return shown.to_dict()["components"]
    return shown.to_components()


def problems_of(shown: Shown) -> list[str]:
    """Return what Discord would reject."""
    if isinstance(shown, str):
        return text_problems(shown)
    if isinstance(shown, ui.Modal):
        return form_problems(shown.to_dict())
    return problems(shown.to_components())


def body(shown: Shown) -> Any:
    """Return the form in which a snapshot stores a layout."""
    if isinstance(shown, ui.Modal):
        return {"title": shown.title, "custom_id": shown.custom_id, "components": components(shown)}
    return {"content": shown} if isinstance(shown, str) else components(shown)


def shown_in(part: Part) -> list[Part]:
    """Return the pictures of a component: a thumbnail, or those of a gallery."""
    return part["items"] if part["type"] == GALLERY else [part] if part["type"] == THUMBNAIL else []


def test_the_table_is_complete():
    """Every card, and every public function that makes a layout, panel or form, has a sample."""
    cards = [card.__name__.removesuffix("Card").lower() for card in get_args(Card)]
    assert [card for card in cards if not any(name.startswith(card) for name in SAMPLES)] == []
    files = Path(layouts.__file__).parent.glob("*.py")
    used = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [name for name in layout_functions() if f"{name}(" not in used] == []
    assert len(SAMPLES) == sum(map(len, PARTS)), "two parts have a case of the same name"


def test_nothing_is_made_elsewhere():
    """Layouts and forms are made only in functions that return them, so that samples can cover
    them."""
    folder = Path(bot.discord.__path__[0])
    files = [*folder.rglob("*.py")]
    found = {file.name: list(misplaced_layouts(file.read_text(encoding="utf-8"))) for file in files}
    assert files and {name: lines for name, lines in found.items() if lines} == {}
    assert list(
        misplaced_layouts(
            "def a() -> ui.Modal:\n    return ui.Modal()\nasync def b():\n    layout()"
        )
    )


def layout_functions() -> Iterator[str]:
    """Yield the names of bot.discord's public functions that make layouts, panels or forms."""
    for found in pkgutil.walk_packages(bot.discord.__path__, "bot.discord."):
        module = importlib.import_module(found.name)
        for name, each in inspect.getmembers(module, inspect.isfunction):
            made = each.__annotations__.get("return") in LAYOUT_TYPES
            own = each.__module__ == module.__name__ and not name.startswith("_")
            if made and own and name != "layout":
                yield name


def misplaced_layouts(source: str) -> Iterator[int]:
    """Yield the lines that make a layout or form outside of a function that returns one."""
    makes = ("layout", "ui.LayoutView", "ui.Modal")
    tree = ast.parse(source)
    inside = {
        part
        for each in ast.walk(tree)
        if isinstance(each, ast.FunctionDef)
        and each.returns
        and ast.unparse(each.returns) in LAYOUT_TYPES
        for part in ast.walk(each)
    }
    for each in ast.walk(tree):
        if isinstance(each, ast.Call) and each not in inside and ast.unparse(each.func) in makes:
            yield each.lineno


@pytest.mark.parametrize("name", SAMPLES)
def test_looks(name: str, snapshot: SnapshotAssertion):
    """Every layout looks as in its reviewed snapshot (`make snapshots` renews them)."""
    shown = {locale: readable(body(SAMPLES[name](linked(locale), PROMPT))) for locale in LOCALES}
    # Languages without a catalogue or without differences are left out.
    english = shown.pop("en-US")
    others = {locale: each for locale, each in shown.items() if each != english}
    assert {"en-US": english, **others} == snapshot(extension_class=ReadableJson)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", SAMPLES)
def test_discord_takes_it(name: str, locale: str):
    """Every layout is within Discord's limits, has known custom_ids and no truncated label."""
    shown = SAMPLES[name](linked(locale), PROMPT)
    assert problems_of(shown) == []
    assert cut_on_phones(components(shown)) == []
    if isinstance(shown, ui.LayoutView):
        ids = [part["custom_id"] for part in parts(components(shown)) if "custom_id" in part]
        assert all(parse(each) or parse_staged(each) for each in ids), ids
    if isinstance(shown, ui.Modal):
        assert parse(shown.custom_id) or parse_staged(shown.custom_id)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", SAMPLES)
def test_commands_are_linked_where_discord_renders_it(name: str, locale: str):
    """Every command that a text names is a link, and no label, field, alt text or code has one."""
    shown = SAMPLES[name](linked(locale), PROMPT)
    for part in parts(components(shown)):
        text = part.get("content", "")
        code = re.findall(r"```.*?```|`[^`]*`", text, flags=re.DOTALL)
        assert "</" not in "".join(code), text
        assert unlinked(text, locale) == [], text
        others = {key: value for key, value in part.items() if key not in ("content", "components")}
        assert "</" not in str(others), others
    assert not isinstance(shown, ui.Modal) or "</" not in str(shown.to_dict())


def unlinked(text: str, locale: str) -> list[str]:
    """Return the commands in a text, outside of code, that could be links and are none."""
    say = linked(locale)
    plain = re.sub(r"```.*?```|`[^`]*`|<[^>]*>", " ", text, flags=re.DOTALL)
    names = {command_name(path, say): path for path in say.command_ids}
    return [name for name in names if re.search(rf"(?<![\w/]){re.escape(name)}(?![\w-])", plain)]


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith("picture")])
def test_a_result_is_no_switchboard(name: str):
    """Below a picture there are at most five buttons and its star, below several at most two rows
    of five and one of stars, and no menu: clients ignore a choice that is already chosen."""
    kinds = [part["type"] for part in parts(components(SAMPLES[name](words(), PROMPT)))]
    assert kinds.count(BUTTON) <= (14 if name.startswith("pictures") else 6)
    assert kinds.count(SELECT) == 0


@pytest.mark.parametrize("name", [*RESULTS, *LISTS])
def test_every_button_says_by_itself_what_it_does(name: str):
    """No two buttons of a message have the same label and different effects, and no label is only
    a letter and a number: a screen reader reads labels alone."""
    found = [
        part for part in parts(components(SAMPLES[name](words(), PROMPT))) if part["type"] == BUTTON
    ]
    labels = [each["label"] for each in found if each["label"] != "Cancel"]
    assert len(set(labels)) == len(labels)
    assert [label for label in labels if len(label) < 4] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_pictures_are_described(name: str):
    """Every picture has alt text, and text comes before it."""
    shown = SAMPLES[name](words(), PROMPT)
    found = list(parts(components(shown)))
    assert isinstance(shown, ui.Modal) or found[0]["type"] in (TEXT, SECTION)
    for part in found:
        for item in shown_in(part):
            assert PROMPT in item["description"]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_hidden_is_called_so(name: str):
    """Pictures have the spoiler file name exactly if they are spoilers."""
    for part in parts(components(SAMPLES[name](words(), PROMPT))):
        for item in shown_in(part):
            called = item["media"]["url"].startswith(f"attachment://{SPOILER}")
            assert called == bool(item.get("spoiler"))


@settings(max_examples=40)
@given(
    text=ODD_TEXTS,
    times=st.sampled_from([1, ODD_TEXT_CHARS]),
    say=st.sampled_from([linked("zh-CN"), with_links(Words(LongerTexts()))]),
    first=st.integers(0, 1),
)
def test_whatever_a_person_wrote(text: str, times: int, say: Words, first: int):
    """Every layout accepts any user input: Markdown, mentions, any script, 4000 characters.

    Also in a language that needs a third more text than English. Each text meets every second
    layout in one language: all of them in both would take a minute.
    """
    for name in [*SAMPLES][first::2]:
        shown = SAMPLES[name](say, (text * times)[:ODD_TEXT_CHARS])
        assert problems_of(shown) == [], name


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.split("-")[0] != "remix"])
@pytest.mark.parametrize(
    "text", ["@everyone", "<@123456789012345678>", "<@&123456789012345678>", "@here"]
)
def test_nobody_is_called(name: str, text: str):
    """Mentions in user input never stay mentions, not even in code blocks."""
    for part in parts(components(SAMPLES[name](words(), text))):
        assert text not in part.get("content", "")


@pytest.mark.parametrize("length", [1, MAX_PROMPT_CHARS])
@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
def test_the_description_knows_it(length: int):
    """Every layout and form is valid by Discord's own API description."""
    api = ApiDescription()
    for name, case in SAMPLES.items():
        shown = case(words("zh-CN"), "湖" * length)
        if isinstance(shown, ui.LayoutView):
            sent: Any = {"type": 4, "data": {"components": components(shown), "flags": V2}}
        elif isinstance(shown, ui.Modal):
            sent = {"type": 9, "data": shown.to_dict()}
        else:
            sent = {"type": 4, "data": {"content": shown}}
        assert api.problems("POST", "/interactions/1/token/callback", sent) == [], name
