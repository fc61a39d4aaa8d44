"""/history and /gallery: pages of pictures with their thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from discord import ui

from bot.discord.interaction.deferral import in_time
from bot.discord.interaction.readable_channels import MemberChannels
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refusal_text,
    refuse,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.interaction.thumbnails import show_with_thumbnails
from bot.discord.views.history import history_layout
from bot.pictures.filenames import thumbnail_name
from bot.pictures.gallery import GalleryPage
from bot.pictures.searches import SearchTerms, parse_search
from bot.request.outcomes import Refused
from storage.search import WHOLE_SERVER
from storage.types import StoredPicture

Made = Callable[[Collection[int]], ui.LayoutView]
"""Returns the layout with the thumbnails of the pictures with these ids."""


async def show_history(interaction: Interaction, services: Services, terms: SearchTerms) -> None:
    """Answer /history with the first page of what the member looks for."""
    wanted = parse_search(terms)
    if isinstance(wanted, Refused):
        await refuse(interaction, wanted)
    else:
        page = await services.gallery.find(actor_of(interaction), wanted)
        await _show_page(interaction, services, page, in_place=False)


async def show_gallery(
    interaction: Interaction, services: Services, channel_id: int | None, terms: SearchTerms
) -> None:
    """Answer /gallery with the first page of what the member looks for in a channel or, without
    one, on the server."""
    wanted = parse_search(terms)
    if isinstance(wanted, Refused):
        await refuse(interaction, wanted)
        return
    where = WHOLE_SERVER if channel_id is None else channel_id
    readable = MemberChannels(interaction, services.threads)
    page = await in_time(
        interaction, services.server_gallery.find(actor_of(interaction), wanted, where, readable)
    )
    if isinstance(page, Refused):
        await refuse(interaction, page)
    else:
        await _show_page(interaction, services, page, in_place=False)


async def turn_list(interaction: Interaction, services: Services, page_id: int) -> None:
    """Replace the page whose button was pressed by the one that the button leads to.

    A message that others can see is never replaced; no page is one.
    """
    page = await _turned(interaction, services, page_id)
    if not isinstance(page, Refused):
        await _show_page(interaction, services, page, in_place=_is_own(interaction))
    elif interaction.response.is_done():  # deferred: the page before stays
        await interaction.followup.send(
            refusal_text(interaction, page), ephemeral=True, allowed_mentions=NO_MENTIONS
        )
    else:
        await refuse(interaction, page)


async def _turned(
    interaction: Interaction, services: Services, page_id: int
) -> GalleryPage | Refused:
    actor = actor_of(interaction)
    wanted = await services.gallery.list_page(actor, page_id)
    if isinstance(wanted, Refused):
        return wanted
    if wanted.query.shown_in is None:
        return await services.gallery.turn(actor, wanted)
    readable = MemberChannels(interaction, services.threads)
    return await in_time(
        interaction,
        services.server_gallery.turn(actor, wanted, readable),
        in_place=_is_own(interaction),
    )


async def turn_page(
    interaction: Interaction, services: Services, before_id: int, *, favourites: bool
) -> None:
    """Do the same for a button of an earlier version, which says itself where its page begins."""
    page = await services.gallery.page(actor_of(interaction), before_id, favourites=favourites)
    await _show_page(interaction, services, page, in_place=_is_own(interaction))


def _is_own(interaction: Interaction) -> bool:
    shown = interaction.message
    return shown is not None and shown.flags.ephemeral


async def _show_page(
    interaction: Interaction, services: Services, page: GalleryPage, *, in_place: bool
) -> None:
    say = words_of(interaction)
    await _show(
        interaction,
        services,
        page.pictures,
        lambda ids: history_layout(page, say, ids),
        in_place=in_place,
    )


async def _show(
    interaction: Interaction,
    services: Services,
    pictures: Sequence[StoredPicture],
    made: Made,
    *,
    in_place: bool = False,
) -> None:
    """Show pictures with their thumbnails. in_place: in place of the page whose button was
    pressed."""
    await show_with_thumbnails(
        interaction,
        lambda: services.gallery.thumbnails(pictures),
        lambda thumbnails: (made(thumbnails.keys()), _files(pictures, thumbnails)),
        in_place=in_place,
    )


def _files(pictures: Sequence[StoredPicture], thumbnails: Mapping[int, bytes]) -> dict[str, bytes]:
    return {
        thumbnail_name(each.id, spoiler=each.spoiler): thumbnails[each.id]
        for each in pictures
        if each.id in thumbnails
    }
