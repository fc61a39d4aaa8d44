"""/history: what it shows, by page, among favourites or found by words."""

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

FOUND_PROMPT = 100
"""Ten prompts, escaped, and all that stands around them fit into a message."""


def found_layout(found: SearchResults, say: Words) -> ui.LayoutView:
    """What a search found, or a sentence that there is nothing."""
    words = f"“{quoted(found.text, MAX_SEARCH_CHARS)}”"
    if not found.pictures:
        return layout(ui.TextDisplay(_nothing(found, words, say)))
    rows = [
        history_row(each, each.id in found.unseen, say, FOUND_PROMPT) for each in found.pictures
    ]
    return layout(ui.TextDisplay(_head(found, words, say)), *rows)


def _nothing(found: SearchResults, words: str, say: Words) -> str:
    if found.favourites:
        return say("None of your favourites here match {words}.", words=words)
    return say("None of your pictures here match {words}.", words=words)


def _head(found: SearchResults, words: str, say: Words) -> str:
    count = len(found.pictures)
    if found.favourites:
        text = say.plural(
            "{n} favourite matching {words}", "{n} favourites matching {words}", count, words=words
        )
    else:
        text = say.plural(
            "{n} picture matching {words}", "{n} pictures matching {words}", count, words=words
        )
    if found.more:
        more = say("These are the newest; there are more. Add a word to narrow them down.")
        text = f"{text}\n-# {more}"
    return text


async def show_history(
    interaction: Interaction, services: Services, search: str | None, *, favourites: bool
) -> None:
    """Answer /history: the first page, or what was searched for."""
    found = await services.gallery.search(actor_of(interaction), search, favourites=favourites)
    say = words_of(interaction)
    match found:
        case Refused():
            await refuse(interaction, found)
        case SearchResults():
            await reply_layout_privately(interaction, found_layout(found, say))
        case _:
            await reply_layout_privately(interaction, history_layout(found, say))


async def turn_page(
    interaction: Interaction, services: Services, before_id: int, *, favourites: bool
) -> None:
    """Show another page in place of the one whose button was pressed."""
    page = await services.gallery.page(actor_of(interaction), before_id, favourites=favourites)
    view = history_layout(page, words_of(interaction))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
