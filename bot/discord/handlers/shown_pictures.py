"""Which picture somebody else's message shows, as Discord keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import discord

from bot.request.input_sources import UrlSource


def attached(attachment: discord.Attachment) -> UrlSource:
    """An attachment as the studio takes it."""
    return UrlSource(attachment.url, attachment.size)


def shown_picture(message: discord.Message) -> UrlSource | None:
    """The first picture of a message: a file of its own or a forwarded one, else of an embed.

    Of a page elsewhere it takes the copy that Discord made: the bot asks nobody else.
    """
    whole = [message, *message.message_snapshots]
    files = [file for each in whole for file in each.attachments]
    # What it really is, only its content says; this decides which is looked at.
    files.sort(key=lambda file: not (file.content_type or "").startswith("image/"))
    if files:
        return attached(files[0])
    embeds = [embed for each in whole for embed in each.embeds]
    copies = chain(
        (each.image.proxy_url or each.thumbnail.proxy_url for each in embeds),
        _in_layouts(message.components),
    )
    return next((UrlSource(url) for url in copies if url), None)


def _in_layouts(components: Iterable[Any]) -> Iterator[str | None]:
    for component in components:
        if isinstance(component, discord.MediaGalleryComponent):
            yield from (item.media.proxy_url for item in component.items)
        if isinstance(component, discord.ThumbnailComponent):
            yield component.media.proxy_url
        yield from _in_layouts(getattr(component, "children", ()))
        yield from _in_layouts(filter(None, [getattr(component, "accessory", None)]))
