"""What a screen reader reads of every layout, in its order, in both languages."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from discord import ui
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

import bot.discord
from bot.discord.views.attachments import attached
from bot.i18n import words
from bot.pictures.filenames import attachment_name
from tests.bot.discord.views.limits import (
    ALT_CHARS,
    BUTTON,
    GALLERY,
    INPUT,
    LABEL,
    RADIO,
    SELECT,
    TEXT,
    THUMBNAIL,
    UPLOAD,
    Part,
    parts,
)
from tests.bot.discord.views.samples.data import PROMPT, Shown
from tests.bot.discord.views.samples.layouts import SAMPLES
from tests.bot.discord.views.test_layouts import components, shown_in

WITH_PROMPTS = (
    *("painting-preview", "picture", "picture-copy", "picture-spoiler", "pictures", "shown"),
    *("shown-of-series", "history-first", "history-series", "found-many", "case"),
)
"""The samples of every kind of message that shows pictures beside those of models and LoRAs."""
MADE_IN = "attachments.py"
"""The one module that makes files, so that none is without alt text."""


class Text(SingleFileSnapshotExtension):
    """Stores a snapshot as text, to be read from top to bottom."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        """Return the text of the file."""
        return f"{data}\n"


def spoken(shown: Shown) -> Iterator[str]:
    """Yield what is read, with its kind; `shown` as the layouts' samples make it."""
    if isinstance(shown, ui.Modal):
        yield f"[form] {shown.title}"
    for part in parts(components(shown)):
        yield from _spoken_part(part)


def _spoken_part(part: Part) -> Iterator[str]:
    match part["type"]:
        case kind if kind == TEXT:
            yield part["content"]
        case kind if kind == BUTTON:
            unavailable = ", unavailable" if part.get("disabled") else ""
            yield f"[button{unavailable}] {part['label']}"
        case kind if kind in (THUMBNAIL, GALLERY):
            for item in shown_in(part):
                hidden = ", spoiler" if item.get("spoiler") else ""
                yield f"[picture{hidden}] {item['description']}"
        case kind if kind == LABEL:
            yield f"[field] {part['label']}"
            if part.get("description"):
                yield part["description"]
        case kind if kind == RADIO:
            yield "[choice] " + ", ".join(option["label"] for option in part["options"])
        case kind if kind == UPLOAD:
            yield f"[files] {part['max_values']}"
        case kind if kind == SELECT:
            yield "[menu] " + ", ".join(option["label"] for option in part["options"])
        case kind if kind == INPUT:
            yield f"[text] {part.get('value') or ''}"
        case _:
            return


def has_words(text: str) -> bool:
    """Return whether a text has letters or digits: no emoji, mark or shape alone."""
    return any(unicodedata.category(letter)[0] in "LN" for letter in text)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_what_is_read(locale: str, snapshot: SnapshotAssertion):
    """The text of every message, top to bottom, is as in its reviewed snapshot."""
    say = words(locale)
    lines = [
        line
        for name, case in SAMPLES.items()
        for line in (f"=== {name}", *spoken(case(say, PROMPT)), "")
    ]
    assert "\n".join(lines) == snapshot(extension_class=Text)


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_said_by_shape_or_colour_alone(name: str):
    """Every button, choice, field and picture has words, and every line of bare shapes follows a
    line that says the same in words."""
    for part in parts(components(SAMPLES[name](words(), PROMPT))):
        for said in _spoken_part(part):
            kind, _, text = said.partition("] ")
            assert kind == "[text" or has_words(text or kind), said
        lines = part["content"].split("\n") if part["type"] == TEXT else []
        for before, line in zip(["", *lines], lines, strict=False):
            assert has_words(line) or not line.strip() or has_words(before), part["content"]


@pytest.mark.parametrize(
    ("prompt", "ending"),
    [
        (PROMPT, PROMPT),
        ("a lighthouse by the sea " * 90, r"(a|lighthouse|by|the|sea)…"),
        ("山间日落" * 500, "[山间日落]…"),
        (" ", "没有提示词的图片"),
    ],
    ids=["short", "long", "without spaces", "empty"],
)
def test_files_have_the_alt_text_of_their_layout(prompt: str, ending: str):
    """The file of every picture is sent with the words that its layout has for it, cut at a word
    where there are too many."""
    for name in WITH_PROMPTS:
        shown = SAMPLES[name](words("zh-CN"), prompt)
        assert isinstance(shown, ui.LayoutView)
        described = [item for part in parts(components(shown)) for item in shown_in(part)]
        assert described, name
        for item in described:
            file = attached(shown, item["media"]["url"].removeprefix("attachment://"), b"")
            assert file.description == item["description"]
            assert len(item["description"]) <= ALT_CHARS
            assert re.search(f"{ending}$", item["description"]), item["description"]


def test_a_picture_without_alt_text_is_not_sent():
    """A file that its layout does not describe raises instead of being sent without words."""
    view = SAMPLES["picture"](words(), PROMPT)
    assert isinstance(view, ui.LayoutView)
    assert attached(view, "zimagine-12-5.png", b"").description == PROMPT
    with pytest.raises(ValueError, match="no alt text"):
        attached(view, attachment_name("zimagine-12-5.png", spoiler=True), b"")


def test_files_are_made_in_one_place():
    """Nothing but the module that describes files makes any, wherever pictures are sent from."""
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(_modules())}
    makers = {path.name for path, source in sources.items() if any(made_files(source))}
    assert makers == {MADE_IN}


def made_files(source: str) -> Iterator[int]:
    """Yield the lines that make a file of discord.py's."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("discord.File"):
            yield node.lineno


def _modules() -> Iterator[Path]:
    return Path(bot.discord.__path__[0]).rglob("*.py")
