"""Pure: the layouts of /history: pages of pictures or favourites, and search results."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord
from discord import ui

from bot.discord.views.attachments import describe_stored
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, small_print, timestamp
from bot.i18n import Words
from bot.pictures.filenames import thumbnail_name
from bot.pictures.gallery import MAX_SEARCH_CHARS, GalleryPage, SearchResults
from storage.types import StoredPicture

PROMPT_CHARS = 120
"""So that all prompts fit into a message with all markup, even after escaping."""
ROW_BUTTONS = 3
"""As many fit beside each other on a phone."""
_NONE: frozenset[int] = frozenset()

Item = ui.Item[ui.LayoutView]


def history_layout(
    page: GalleryPage, say: Words, thumbnails: Collection[int] = _NONE
) -> ui.LayoutView:
    """Show one page of the member's own pictures, newest first, with paging buttons.

    thumbnails: the ids of pictures whose thumbnails are attached.
    """
    if not page.pictures:
        return layout(ui.TextDisplay(_empty_text(page, say)))
    head = say.plural("You have {n} picture here.", "You have {n} pictures here.", page.total)
    newer, older = ComponentAction.NEWER, ComponentAction.OLDER
    if page.favourites:
        head = say.plural(
            "You have {n} favourite here.", "You have {n} favourites here.", page.total
        )
        newer, older = ComponentAction.FAVOURITES_NEWER, ComponentAction.FAVOURITES_OLDER
    items: list[Item] = [ui.TextDisplay(head)]
    items += [
        _row(each, each.id in page.unseen, each.id in thumbnails, say, marked=not page.favourites)
        for each in page.pictures
    ]
    items += _show_rows(page.pictures, say)
    if page.newer_id is not None or page.older_id is not None:
        items.append(
            ui.ActionRow(
                _page_button(say("Newer"), newer, page.newer_id),
                _page_button(say("Older"), older, page.older_id),
            )
        )
    return layout(*items)


def search_layout(
    results: SearchResults, say: Words, thumbnails: Collection[int] = _NONE
) -> ui.LayoutView:
    """Show search results, or a sentence that nothing matches. thumbnails: as for a page."""
    quoted_text = f"“{quoted(results.text, MAX_SEARCH_CHARS)}”"
    if not results.pictures:
        return layout(ui.TextDisplay(_nothing_found(results, quoted_text, say)))
    rows = [
        _row(each, each.id in results.unseen, each.id in thumbnails, say)
        for each in results.pictures
    ]
    heading = ui.TextDisplay[ui.LayoutView](_found_text(results, quoted_text, say))
    return layout(heading, *rows, *_show_rows(results.pictures, say))


def _empty_text(page: GalleryPage, say: Words) -> str:
    if page.favourites:
        return say(
            "You have no favourites here yet. To add one, press {more} below a picture.",
            more=say("More ▾"),
        )
    return say("You have no pictures here. Try /imagine.")


def _nothing_found(results: SearchResults, quoted_text: str, say: Words) -> str:
    if results.favourites:
        return say("None of your favourites here match {words}.", words=quoted_text)
    return say("None of your pictures here match {words}.", words=quoted_text)


def _found_text(results: SearchResults, quoted_text: str, say: Words) -> str:
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


def _row(
    picture: StoredPicture, unseen: bool, pictured: bool, say: Words, *, marked: bool = True
) -> Item:
    """Return the row of a picture. pictured: with its thumbnail. marked: favourites are marked."""
    facts = [
        say("seed {seed}", seed=picture.seed),
        f"{picture.width_px}×{picture.height_px}",
        timestamp(picture.painted_at),
        *([say("your favourite")] if marked and picture.favourite else []),
        *([say("private")] if picture.private else []),
        *([say("could not be posted")] if unseen else []),
    ]
    head = f"**#{picture.id}** {quoted(picture.prompt, PROMPT_CHARS)}"
    text = ui.TextDisplay[ui.LayoutView](f"{head}\n{small_print(' · '.join(facts))}")
    if not pictured:
        return text
    name = thumbnail_name(picture.id, spoiler=picture.spoiler)
    thumbnail = ui.Thumbnail[ui.LayoutView](
        f"attachment://{name}", description=describe_stored(picture, say), spoiler=picture.spoiler
    )
    return ui.Section(text, accessory=thumbnail)


def _show_rows(pictures: Sequence[StoredPicture], say: Words) -> list[Item]:
    """Return the buttons that show each picture: a section has room for a thumbnail or a button.

    Buttons and no menu: in a menu, Discord's clients ignore the choice that is already chosen.
    """
    buttons = [
        ui.Button[ui.LayoutView](
            label=say("Show #{id}", id=each.id),
            style=discord.ButtonStyle.secondary,
            custom_id=custom_id(ComponentAction.SHOW_OWN, each.id),
        )
        for each in pictures
    ]
    return [
        ui.ActionRow(*buttons[at : at + ROW_BUTTONS]) for at in range(0, len(buttons), ROW_BUTTONS)
    ]


def _page_button(
    label: str, action: ComponentAction, cursor: int | None
) -> ui.Button[ui.LayoutView]:
    # Even a disabled button needs a custom_id, and the two must differ.
    return ui.Button(label=label, custom_id=custom_id(action, cursor or 0), disabled=cursor is None)
