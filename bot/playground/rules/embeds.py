"""Rules for the embeds of a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.playground.errors import Form, Path
from bot.playground.rules.grammar import (
    MEDIA,
    WEB,
    Field,
    boolean,
    integer,
    known,
    list_of,
    object_with,
    objects,
    required,
    text,
    timestamp,
    url,
)

MAX_CHARACTERS: Final = 6000
"""Discord's limit for the text of all embeds of one message together."""

_IMAGE: Final = object_with(
    {
        "url": url(*MEDIA),
        "description": text(high=4096),
        **known("proxy_url", "height", "width", "content_type", "flags"),
        **known("placeholder", "placeholder_version", "is_animated"),
    }
)
_FOOTER: Final = object_with(
    {
        "text": required(text(high=2048, trim=True)),
        "icon_url": url(*MEDIA),
        **known("proxy_icon_url"),
    }
)
_AUTHOR: Final = object_with(
    {
        "name": required(text(high=256, trim=True)),
        "url": url(*WEB),
        "icon_url": url(*MEDIA),
        **known("proxy_icon_url"),
    }
)
_FIELD: Final = object_with(
    {
        "name": required(text(high=256, trim=True)),
        "value": required(text(high=1024, trim=True)),
        "inline": boolean(),
    }
)
EMBED: Final[Field] = object_with(
    {
        "title": text(high=256, trim=True),
        "description": text(high=4096, trim=True),
        "url": url(*WEB),
        "timestamp": timestamp(),
        "color": integer(0, 0xFFFFFF),
        "footer": _FOOTER,
        "image": _IMAGE,
        "thumbnail": _IMAGE,
        "author": _AUTHOR,
        "fields": list_of(_FIELD, high=25),
        # A bot cannot set these; Discord knows and ignores them.
        **known("type", "video", "provider", "flags"),
    }
)
EMBEDS: Final[Field] = list_of(EMBED, high=10)

_SUBSTANCE: Final = (
    *("title", "description", "fields", "author", "footer", "image", "thumbnail", "timestamp"),
)


def check_embeds(form: Form, value: Any, path: Path) -> None:
    """Add to the form what the tables cannot express: empty embeds, too many characters."""
    size = 0
    for position, embed in objects(value):
        size += sum(len(each.strip()) for each in _texts(embed))
        if not any(_is_there(embed.get(name)) for name in _SUBSTANCE):
            place = (*path, position, "description")
            form.add(place, "BASE_TYPE_REQUIRED", "This field is required")
    if size > MAX_CHARACTERS:
        message = f"Embed size exceeds maximum size of {MAX_CHARACTERS}"
        form.add(path, "MAX_EMBED_SIZE_EXCEEDED", message)


def _is_there(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _texts(embed: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of an embed that counts."""
    places = [(embed, "title"), (embed, "description")]
    places += [(embed.get("footer"), "text"), (embed.get("author"), "name")]
    for _, each in objects(embed.get("fields")):
        places += [(each, "name"), (each, "value")]
    for place, name in places:
        value = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(value, str):
            yield value
