"""/history: pages of pictures or favourites, and search results, each with its thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from discord import ui

from bot.discord.interaction.responses import Interaction, actor_of, refuse, words_of
from bot.discord.interaction.services import Services
from bot.discord.interaction.thumbnails import show_with_thumbnails
from bot.discord.views.history import history_layout, search_layout
from bot.pictures.filenames import thumbnail_name
from bot.pictures.gallery import SearchResults
from bot.request.outcomes import Refused
from storage.types import StoredPicture

Made = Callable[[Collection[int]], ui.LayoutView]
"""Returns the layout with the thumbnails of the pictures with these ids."""


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
