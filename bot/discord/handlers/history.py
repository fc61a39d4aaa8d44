"""/history: pages of pictures or favourites, and search results, each with its thumbnails."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Collection, Mapping, Sequence

import discord
import structlog
from discord import ui

from bot.discord.interaction.responses import (
    ANNOUNCED_AFTER_S,
    NO_MENTIONS,
    Interaction,
    actor_of,
    finished_within,
    refuse,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.history import history_layout, search_layout
from bot.pictures.filenames import thumbnail_name
from bot.pictures.gallery import SearchResults
from bot.request.outcomes import Refused
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

Made = Callable[[Collection[int]], ui.LayoutView]
"""Returns the layout with the thumbnails of the pictures with these ids."""
FILES_REFUSED = (403, 413)
"""The statuses with which files are refused. Nothing has been answered then."""


async def show_history(
    interaction: Interaction, services: Services, search: str | None, *, favourites: bool
) -> None:
    """Answer /history with the first page, or with search results."""
    found = await services.gallery.search(actor_of(interaction), search, favourites=favourites)
    say = words_of(interaction)
    match found:
        case Refused():
            await refuse(interaction, found)
        case SearchResults():
            await _show(
                interaction, services, found.pictures, lambda ids: search_layout(found, say, ids)
            )
        case _:
            await _show(
                interaction, services, found.pictures, lambda ids: history_layout(found, say, ids)
            )


async def turn_page(
    interaction: Interaction, services: Services, before_id: int, *, favourites: bool
) -> None:
    """Replace the page whose button was pressed by another one.

    A message that others can see is never replaced; no page is one.
    """
    shown = interaction.message
    page = await services.gallery.page(actor_of(interaction), before_id, favourites=favourites)
    say = words_of(interaction)
    await _show(
        interaction,
        services,
        page.pictures,
        lambda ids: history_layout(page, say, ids),
        in_place=shown is not None and shown.flags.ephemeral,
    )


async def _show(
    interaction: Interaction,
    services: Services,
    pictures: Sequence[StoredPicture],
    made: Made,
    *,
    in_place: bool = False,
) -> None:
    """Show pictures with their thumbnails, or without any if Discord does not take the files.

    in_place: instead of the page whose button was pressed. A response that would be slow is
    deferred: the thumbnails of pictures that were not shown lately are made now.
    """
    making = asyncio.ensure_future(_thumbnails(interaction, services, pictures))
    try:
        if not await finished_within(making, ANNOUNCED_AFTER_S):
            await _defer(interaction, in_place=in_place)
        thumbnails = await making
    finally:
        making.cancel()
    try:
        await _send(interaction, pictures, thumbnails, made, in_place=in_place)
    except discord.HTTPException as error:
        if not thumbnails or error.status not in FILES_REFUSED:
            raise
        log.warning("thumbnails refused", status=error.status, code=error.code)
        await _send(interaction, pictures, {}, made, in_place=in_place)


async def _thumbnails(
    interaction: Interaction, services: Services, pictures: Sequence[StoredPicture]
) -> Mapping[int, bytes]:
    if not interaction.app_permissions.attach_files:
        return {}
    return await services.gallery.thumbnails(pictures)


async def _defer(interaction: Interaction, *, in_place: bool) -> None:
    if in_place:
        await interaction.response.defer()
    else:
        await interaction.response.defer(ephemeral=True, thinking=True)


async def _send(
    interaction: Interaction,
    pictures: Sequence[StoredPicture],
    thumbnails: Mapping[int, bytes],
    made: Made,
    *,
    in_place: bool,
) -> None:
    view, files = made(thumbnails.keys()), _files(pictures, thumbnails)
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


def _files(
    pictures: Sequence[StoredPicture], thumbnails: Mapping[int, bytes]
) -> list[discord.File]:
    return [
        discord.File(io.BytesIO(thumbnails[each.id]), thumbnail_name(each.id, spoiler=each.spoiler))
        for each in pictures
        if each.id in thumbnails
    ]
