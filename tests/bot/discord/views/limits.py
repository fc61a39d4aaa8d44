"""Discord's limits for layouts, forms and texts, checked into one list of problems."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

PARTS, TEXT_CHARS, CONTENT_CHARS = 40, 4000, 2000
GALLERY_ITEMS, ALT_CHARS = 10, 1024
ROW_BUTTONS, LABEL_CHARS, ID_CHARS = 5, 80, 100
OPTIONS, OPTION_CHARS, PLACEHOLDER_CHARS = 25, 100, 150
FORM_PARTS, TITLE_CHARS, FIELD_LABEL_CHARS, FIELD_CHARS = 5, 45, 45, 4000
PHONE_CELLS = 34
"""Width of a button label on phones; Chinese characters count twice."""

ROW, BUTTON, SELECT, INPUT, SECTION, TEXT, THUMBNAIL, GALLERY, LABEL = 1, 2, 3, 4, 9, 10, 11, 12, 18
UPLOAD, RADIO, RADIO_OPTIONS, UPLOADED_FILES = 19, 21, 10, 10

_HALF = re.compile("[\ud800-\udfff]")

Part = Mapping[str, Any]


def parts(value: Any) -> Iterator[Part]:
    """Yield every component, including nested ones, in reading order."""
    if isinstance(value, list):
        for each in value:
            yield from parts(each)
    elif isinstance(value, Mapping):
        yield value
        yield from parts(value.get("components", []))
        for name in ("accessory", "component"):
            yield from parts(value.get(name, []))


def problems(components: list[Any]) -> list[str]:
    """Return what Discord would reject in a layout; empty if nothing."""
    found = list(parts(components))
    wrong = [problem for part in found for problem in _part(part)]
    wrong += _most("components", len(found), PARTS)
    texts = [part["content"] for part in found if part["type"] == TEXT]
    wrong += _most("characters of text", sum(map(len, texts)), TEXT_CHARS)
    wrong += _twice(found)
    return wrong + [f"half a character in {each!r}" for each in strings(components) if _torn(each)]


def form_problems(form: Part) -> list[str]:
    """Return what Discord would reject in a form."""
    found = list(parts(form["components"]))
    wrong = _length("title", form["title"], TITLE_CHARS) + _length(
        "id", form["custom_id"], ID_CHARS
    )
    wrong += _some("parts of a form", len(form["components"]), FORM_PARTS)
    wrong += [problem for part in found for problem in _part(part)] + _twice(found)
    return wrong + [f"half a character in {each!r}" for each in strings(form) if _torn(each)]


def text_problems(text: str) -> list[str]:
    """Return what Discord would reject in the text of a message."""
    torn = ["half a character"] if _torn(text) else []
    return _length("content", text, CONTENT_CHARS) + torn


def cut_on_phones(components: list[Any]) -> list[str]:
    """Return the button labels that phones would truncate."""
    labels = [part["label"] for part in parts(components) if part["type"] == BUTTON]
    return [label for label in labels if _cells(label) > PHONE_CELLS]


def strings(value: Any) -> Iterator[str]:
    """Yield every text in a body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from strings(each)


def _part(part: Part) -> Iterator[str]:
    yield from _length("id", part.get("custom_id", "x"), ID_CHARS)
    match part["type"]:
        case 1:
            yield from _row(part["components"])
        case 2:
            yield from _length("label", part["label"], LABEL_CHARS)
        case 3:
            yield from _select(part)
        case 4:
            yield from _length("field", part.get("value") or "x", FIELD_CHARS)
            limit = part.get("max_length", FIELD_CHARS)
            yield from _some("characters of a field", limit, FIELD_CHARS)
            yield from _length("field", part.get("value") or "x", limit)
        case 9:
            yield from _some("texts of a section", len(part["components"]), 3)
        case 10:
            yield from _length("text", part["content"], TEXT_CHARS)
        case 11:
            yield from _length("alt text", part["description"], ALT_CHARS)
        case 12:
            yield from _some("pictures of a gallery", len(part["items"]), GALLERY_ITEMS)
            for item in part["items"]:
                yield from _length("alt text", item.get("description", ""), ALT_CHARS)
        case 19:
            yield from _some("files", part.get("max_values", 1), UPLOADED_FILES)
        case 21:
            yield from _some("choices", len(part["options"]), RADIO_OPTIONS)
            yield from _options(part["options"])
        case 18:
            yield from _length("label", part["label"], FIELD_LABEL_CHARS)
            yield from _length("description", part.get("description") or "x", 100)


def _row(children: list[Part]) -> Iterator[str]:
    yield from _some("parts of a row", len(children), ROW_BUTTONS)
    if any(child["type"] == SELECT for child in children) and len(children) > 1:
        yield "a menu needs a row of its own"


def _select(part: Part) -> Iterator[str]:
    options = part["options"]
    yield from _most("options", len(options), OPTIONS)
    yield from _length("placeholder", part.get("placeholder", "x"), PLACEHOLDER_CHARS)
    yield from _options(options)


def _options(options: list[Part]) -> Iterator[str]:
    for option in options:
        yield from _length("option", option["label"], OPTION_CHARS)
        yield from _length("value", option["value"], OPTION_CHARS)
    values = [option["value"] for option in options]
    if len(set(values)) < len(values) or not values:
        yield f"options are missing or twice: {values}"


def _length(what: str, text: str, limit: int) -> list[str]:
    return [] if 0 < len(text) <= limit else [f"a {what} has {len(text)} characters: {text[:60]!r}"]


def _most(what: str, count: int, limit: int) -> list[str]:
    return [] if count <= limit else [f"{count} {what}, at most {limit}"]


def _some(what: str, count: int, limit: int) -> list[str]:
    return _most(what, count, limit) if count else [f"no {what}"]


def _twice(found: list[Part]) -> list[str]:
    ids = [part["custom_id"] for part in found if "custom_id" in part]
    return [f"{each} is there twice" for each in sorted({i for i in ids if ids.count(i) > 1})]


def _torn(text: str) -> bool:
    return _HALF.search(text) is not None


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
