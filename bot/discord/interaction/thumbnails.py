"""Answer with a layout with thumbnails, in time; without them where Discord takes no files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import discord
import structlog
from discord import ui

from bot.discord.interaction.deferral import in_time
from bot.discord.interaction.responses import NO_MENTIONS, Interaction
from bot.discord.views.attachments import attached

log = structlog.get_logger(__name__)

K = TypeVar("K")

Shown = tuple[ui.LayoutView, Mapping[str, bytes]]
"""A layout, and the files of its pictures by their names."""
FILES_REFUSED = (403, 413)
"""The statuses with which files are refused. Nothing has been answered then."""


async def show_with_thumbnails(
    interaction: Interaction,
    thumbnails: Callable[[], Awaitable[Mapping[K, bytes]]],
    made: Callable[[Mapping[K, bytes]], Shown],
    *,
    in_place: bool = False,
) -> None:
    """Answer with thumbnails, or without any if Discord does not take the files.

    made: returns the layout with these thumbnails, and their files by name. in_place: instead of
    the page whose button was pressed. A response that would be slow is deferred: thumbnails that
    were not shown lately are made now.
    """
    found = await in_time(interaction, _allowed(interaction, thumbnails), in_place=in_place)
    try:
        await _send(interaction, made(found), in_place=in_place)
    except discord.HTTPException as error:
        if not found or error.status not in FILES_REFUSED:
            raise
        log.warning("thumbnails refused", status=error.status, code=error.code)
        await _send(interaction, made({}), in_place=in_place)


async def _allowed(
    interaction: Interaction, thumbnails: Callable[[], Awaitable[Mapping[K, bytes]]]
) -> Mapping[K, bytes]:
    return await thumbnails() if interaction.app_permissions.attach_files else {}


async def _send(interaction: Interaction, shown: Shown, *, in_place: bool) -> None:
    view, named = shown
    files = [attached(view, name, data) for name, data in named.items()]
    if interaction.response.is_done():
        await interaction.edit_original_response(
            view=view, attachments=files, allowed_mentions=NO_MENTIONS
        )
    elif in_place:
        # The files of the page before go with it.
        await interaction.response.edit_message(
            view=view, attachments=files, allowed_mentions=NO_MENTIONS
        )
    else:
        await interaction.response.send_message(
            view=view, files=files, ephemeral=True, allowed_mentions=NO_MENTIONS
        )
