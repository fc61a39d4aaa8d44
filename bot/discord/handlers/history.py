"""/history: pages of pictures or favourites, and search results."""

from __future__ import annotations

from discord import ui

from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import history_layout, history_row
from bot.discord.views.markdown import layout, quoted
from bot.i18n import Words
from bot.pictures.gallery import MAX_SEARCH_CHARS, SearchResults
from bot.request.outcomes import Refused

SEARCH_PROMPT_CHARS = 100
"""So that ten prompts fit into a message with all markup, even after escaping."""


def search_layout(results: SearchResults, say: Words) -> ui.LayoutView:
    """Return the layout of search results, or a sentence that nothing matches."""
    quoted_text = f"“{quoted(results.text, MAX_SEARCH_CHARS)}”"
    if not results.pictures:
        return layout(ui.TextDisplay(_empty_text(results, quoted_text, say)))
    rows = [
        history_row(each, each.id in results.unseen, say, SEARCH_PROMPT_CHARS)
        for each in results.pictures
    ]
    return layout(ui.TextDisplay(_heading(results, quoted_text, say)), *rows)


def _empty_text(results: SearchResults, quoted_text: str, say: Words) -> str:
    if results.favourites:
        return say("None of your favourites here match {words}.", words=quoted_text)
    return say("None of your pictures here match {words}.", words=quoted_text)


def _heading(results: SearchResults, quoted_text: str, say: Words) -> str:
    count = len(results.pictures)
    if results.favourites:
        text = say.plural(
            "{n} favourite matching {words}",
            "{n} favourites matching {words}",
            count,
            words=quoted_text,
        )
    else:
        text = say.plural(
            "{n} picture matching {words}",
            "{n} pictures matching {words}",
            count,
            words=quoted_text,
        )
    if results.more:
        more = say("These are the newest; there are more. Add a word to narrow them down.")
        text = f"{text}\n-# {more}"
    return text


async def show_history(
    interaction: Interaction, services: Services, search: str | None, *, favourites: bool
) -> None:
    """Answer /history with the first page, or with search results."""
    results = await services.gallery.search(actor_of(interaction), search, favourites=favourites)
    say = words_of(interaction)
    match results:
        case Refused():
            await refuse(interaction, results)
        case SearchResults():
            await reply_layout_privately(interaction, search_layout(results, say))
        case _:
            await reply_layout_privately(interaction, history_layout(results, say))


async def turn_page(
    interaction: Interaction, services: Services, before_id: int, *, favourites: bool
) -> None:
    """Replace the page whose button was pressed by another one."""
    page = await services.gallery.page(actor_of(interaction), before_id, favourites=favourites)
    view = history_layout(page, words_of(interaction))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
