"""Rules for messages that consist of components only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bot.playground.rules.checks import problems
from tests.bot.playground.rules.components import (
    Json,
    box,
    button,
    gallery,
    picture,
    post_v2,
    row,
    section,
    thumbnail,
    words,
)

AT_THE_LIMIT: dict[str, list[Json]] = {
    "a long text": [words("x" * 4000)],
    "40 components": [words() for _ in range(40)],
    "40 with those inside": [box(*[words() for _ in range(38)]), words()],
    "4000 characters": [words("x" * 2000), box(words("y" * 2000))],
    "one to three texts": [section(words()), section(words(), words(), words())],
    "a button beside words": [section(words(), accessory=button())],
    "ten pictures": [gallery(*[picture(description="x" * 1024) for _ in range(10)])],
    "both spacings": [{"type": 14, "spacing": 1}, {"type": 14, "spacing": 2, "divider": False}],
    "any colour": [box(words(), accent_color=0), box(words(), accent_color=0xFFFFFF)],
    "no colour": [box(words(), accent_color=None, spoiler=True)],
    "everything in a box": [
        box(row(button()), section(words()), words(), gallery(picture()), {"type": 14})
    ],
}

REFUSED: dict[str, tuple[list[Any], str]] = {
    "no text": ([words(None)], "components.0.content BASE_TYPE_REQUIRED"),
    "an empty text": ([words("")], "components.0.content BASE_TYPE_BAD_LENGTH"),
    "41 with those inside": (
        [box(*[words() for _ in range(38)]), words(), words()],
        "components COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
    ),
    "accessories count": (
        [*[section(words()) for _ in range(13)], words(), words()],
        "components COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
    ),
    "4001 characters": (
        [words("x" * 2000), section(words("y" * 2001))],
        "components COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
    ),
    "an empty section": ([section()], "components.0.components BASE_TYPE_BAD_LENGTH"),
    "four texts in a section": (
        [section(*[words() for _ in range(4)])],
        "components.0.components BASE_TYPE_BAD_LENGTH",
    ),
    "a row in a section": (
        [section(row(button()))],
        "components.0.components.0 UNION_TYPE_CHOICES",
    ),
    "no accessory": (
        [section(words(), accessory=None)],
        "components.0.accessory BASE_TYPE_REQUIRED",
    ),
    "words as an accessory": (
        [section(words(), accessory=words())],
        "components.0.accessory UNION_TYPE_CHOICES",
    ),
    "a thumbnail alone": ([thumbnail()], "components.0 UNION_TYPE_CHOICES"),
    "an id twice, far apart": (
        [section(words(), accessory=button()), box(row(button()))],
        "components.1.components.0.components.0.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
    ),
    "no pictures": ([gallery()], "components.0.items BASE_TYPE_BAD_LENGTH"),
    "eleven pictures": (
        [gallery(*[picture() for _ in range(11)])],
        "components.0.items BASE_TYPE_BAD_LENGTH",
    ),
    "a picture without a place": (
        [gallery({"media": {}})],
        "components.0.items.0.media.url BASE_TYPE_REQUIRED",
    ),
    "a long alt text": (
        [gallery(picture(description="x" * 1025))],
        "components.0.items.0.description BASE_TYPE_BAD_LENGTH",
    ),
    "a long alt text of a thumbnail": (
        [section(words(), accessory=thumbnail(description="x" * 1025))],
        "components.0.accessory.description BASE_TYPE_BAD_LENGTH",
    ),
    "a picture of a strange scheme": (
        [gallery(picture("data:image/png;base64,AAAA"))],
        "components.0.items.0.media.url URL_TYPE_INVALID_SCHEME",
    ),
    "a file from elsewhere": (
        [{"type": 13, "file": {"url": "https://example.org/a.png"}}],
        "components.0.file.url URL_TYPE_INVALID_SCHEME",
    ),
    "no spacing": ([{"type": 14, "spacing": 0}], "components.0.spacing BASE_TYPE_CHOICES"),
    "a third spacing": ([{"type": 14, "spacing": 3}], "components.0.spacing BASE_TYPE_CHOICES"),
    "a colour beyond white": (
        [box(words(), accent_color=0x1000000)],
        "components.0.accent_color NUMBER_TYPE_MAX",
    ),
    "a colour in words": (
        [box(words(), accent_color="#ff0000")],
        "components.0.accent_color NUMBER_TYPE_COERCE",
    ),
    "an empty box": ([box()], "components.0.components BASE_TYPE_BAD_LENGTH"),
    "a box in a box": ([box(box(words()))], "components.0.components.0 UNION_TYPE_CHOICES"),
    "no object": (["words"], "components.0 MODEL_TYPE_CONVERT"),
}


@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_what_discord_takes_as_a_layout(name: str):
    """V2 components pass at their limits."""
    post_v2(*AT_THE_LIMIT[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_discord_refuses_in_a_layout(name: str):
    """Each mistake in a layout is reported with the path of its field."""
    components, problem = REFUSED[name]
    assert problems(post_v2, *components) == {problem}


def test_a_text_that_is_too_long_alone_is_too_long_in_all():
    """4001 characters in one display exceed both its own limit and the total."""
    assert problems(post_v2, words("x" * 4001)) == {
        "components.0.content BASE_TYPE_BAD_LENGTH",
        "components COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
    }
