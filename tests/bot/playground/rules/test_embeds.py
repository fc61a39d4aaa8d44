"""Rules for embeds."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.rules.messages import MessageKind, check_message
from tests.bot.playground.rules.checks import problems

Json = dict[str, Any]


def post(*embeds: Any) -> None:
    """Check a message with these embeds."""
    check_message({"embeds": list(embeds)}, kind=MessageKind.CHANNEL_POST)


def fields(count: int, **changes: Any) -> list[Json]:
    """Return this many fields."""
    return [{"name": "Seed", "value": "42", "inline": True} | changes for _ in range(count)]


PASSES: dict[str, list[Json]] = {
    "ten": [{"title": "x"}] * 10,
    "a long title": [{"title": "x" * 256}],
    "a title with spaces around": [{"title": " " + "x" * 256 + " "}],
    "a long description": [{"description": "x" * 4096}],
    "25 fields": [{"fields": fields(25)}],
    "long fields": [{"fields": fields(1, name="x" * 256, value="y" * 1024)}],
    "a long footer": [{"footer": {"text": "x" * 2048}}],
    "a long author": [{"author": {"name": "x" * 256, "url": "https://example.org"}}],
    "6000 characters": [{"description": "x" * 3000}, {"description": "y" * 3000}],
    "only a picture": [{"image": {"url": "https://example.org/a.png"}}],
    "any colour": [{"title": "x", "color": 0}, {"title": "x", "color": 0xFFFFFF}],
    "a time": [{"title": "x", "timestamp": "2026-01-01T00:00:00+00:00"}],
    "a time of Zulu": [{"title": "x", "timestamp": "2026-01-01T00:00:00.123Z"}],
    "nothing said of the rest": [{"title": "x", "color": None, "image": None, "fields": []}],
}

REFUSED: dict[str, tuple[list[Any], str]] = {
    "eleven": ([{"title": "x"}] * 11, "embeds BASE_TYPE_MAX_LENGTH"),
    "an empty one": ([{}], "embeds.0.description BASE_TYPE_REQUIRED"),
    "only a colour": (
        [{"title": "x"}, {"color": 1, "title": " "}],
        "embeds.1.description BASE_TYPE_REQUIRED",
    ),
    "no object": (["x"], "embeds.0 MODEL_TYPE_CONVERT"),
    "a long title": ([{"title": "x" * 257}], "embeds.0.title BASE_TYPE_MAX_LENGTH"),
    "a long description": (
        [{"description": "x" * 4097}],
        "embeds.0.description BASE_TYPE_MAX_LENGTH",
    ),
    "26 fields": ([{"fields": fields(26)}], "embeds.0.fields BASE_TYPE_MAX_LENGTH"),
    "a field without a name": (
        [{"fields": fields(1, name="")}],
        "embeds.0.fields.0.name BASE_TYPE_REQUIRED",
    ),
    "a field without a value": (
        [{"fields": [*fields(1), {"name": "x"}]}],
        "embeds.0.fields.1.value BASE_TYPE_REQUIRED",
    ),
    "a field's long name": (
        [{"fields": fields(1, name="x" * 257)}],
        "embeds.0.fields.0.name BASE_TYPE_MAX_LENGTH",
    ),
    "a field's long value": (
        [{"fields": fields(1, value="x" * 1025)}],
        "embeds.0.fields.0.value BASE_TYPE_MAX_LENGTH",
    ),
    "a long footer": (
        [{"footer": {"text": "x" * 2049}}],
        "embeds.0.footer.text BASE_TYPE_MAX_LENGTH",
    ),
    "a footer without words": (
        [{"title": "x", "footer": {"icon_url": "https://example.org/a.png"}}],
        "embeds.0.footer.text BASE_TYPE_REQUIRED",
    ),
    "a long author": (
        [{"author": {"name": "x" * 257}}],
        "embeds.0.author.name BASE_TYPE_MAX_LENGTH",
    ),
    "6001 characters": (
        [{"description": "x" * 3000}, {"description": "y" * 3000, "footer": {"text": "z"}}],
        "embeds MAX_EMBED_SIZE_EXCEEDED",
    ),
    "6001 characters in every place": (
        [
            {"title": "x" * 256, "author": {"name": "x" * 256}, "footer": {"text": "x" * 2048}},
            {"fields": fields(1, name="x" * 256, value="y" * 1024), "description": "z" * 2161},
        ],
        "embeds MAX_EMBED_SIZE_EXCEEDED",
    ),
    "a link of a strange scheme": (
        [{"title": "x", "url": "ftp://example.org"}],
        "embeds.0.url URL_TYPE_INVALID_SCHEME",
    ),
    "a title that leads to a file": (
        [{"title": "x", "url": "attachment://a.png"}],
        "embeds.0.url URL_TYPE_INVALID_SCHEME",
    ),
    "a picture without a scheme": (
        [{"image": {"url": "example.org/a.png"}}],
        "embeds.0.image.url URL_TYPE_INVALID_URL",
    ),
    "a colour beyond white": (
        [{"title": "x", "color": 0x1000000}],
        "embeds.0.color NUMBER_TYPE_MAX",
    ),
    "a time in words": (
        [{"title": "x", "timestamp": "yesterday"}],
        "embeds.0.timestamp DATE_TIME_TYPE_PARSE",
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_discord_takes_as_embeds(name: str):
    """Embeds pass at their limits."""
    post(*PASSES[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_discord_refuses_in_embeds(name: str):
    """Each mistake is reported with the path of its field."""
    embeds, problem = REFUSED[name]
    assert problems(post, *embeds) == {problem}
