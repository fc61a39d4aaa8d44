"""Reads what a Discord message shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import discord


def walk_components(components: Iterable[Any]) -> Iterator[Any]:
    """Yield all components of a message, containers before their children."""
    for component in components:
        yield component
        yield from walk_components(getattr(component, "children", ()))


def file_names(message: discord.Message) -> Iterator[str]:
    """Yield the names of all files that a message shows: its attachments, then galleries."""
    for attachment in message.attachments:
        yield attachment.filename
    for component in walk_components(message.components):
        if isinstance(component, discord.MediaGalleryComponent):
            for item in component.items:
                yield urlsplit(item.media.url).path.rpartition("/")[2]
