"""Pure: the layouts of /history: pages of pictures, favourites, or what was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord
from discord import ui

from bot.discord.views.attachments import describe_stored
from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout, quoted, small_print, timestamp
from bot.discord.views.pictures import note_line
from bot.i18n import Words, paragraph
from bot.pictures.filenames import thumbnail_name
from bot.pictures.gallery import GalleryPage
from bot.pictures.searches import MAX_SEARCH_CHARS
from storage.search import PictureQuery
from storage.types import StoredPicture

PROMPT_CHARS = 120
"""So that all prompts fit into a message with all markup, even after escaping."""
NOTE_CHARS = 60
NAME_CHARS = 100
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
    head = _heading(page, say)
    if page.instead:
        head = paragraph(say("The pictures of that page have been deleted since."), head)
    items: list[Item] = [ui.TextDisplay(head)]
    marked = not page.query.favourites
    items += [
        _row(each, each.id in page.unseen, each.id in thumbnails, say, marked=marked)
        for each in page.pictures
    ]
    items += _show_rows(page.pictures, say)
    if page.newer_id is not None or page.older_id is not None:
        items.append(
            ui.ActionRow(
                _page_button(say("Newer"), page.newer_id), _page_button(say("Older"), page.older_id)
            )
        )
    return layout(*items)


def _empty_text(page: GalleryPage, say: Words) -> str:
    if page.query.indexed:
        wanted = query_text(page.query, say)
        if page.query.favourites:
            return say("None of your favourites here match {words}.", words=wanted)
        return say("None of your pictures here match {words}.", words=wanted)
    if page.query.favourites:
        return say(
            "You have no favourites here yet. To add one, press {more} below a picture.",
            more=say("More ▾"),
        )
    return say("You have no pictures here. Try /imagine.")


def _heading(page: GalleryPage, say: Words) -> str:
    favourites, total = page.query.favourites, page.total
    if total is not None:
        if favourites:
            return say.plural(
                "You have {n} favourite here.", "You have {n} favourites here.", total
            )
        return say.plural("You have {n} picture here.", "You have {n} pictures here.", total)
    wanted, count = query_text(page.query, say), len(page.pictures)
    if page.newer_id is not None or page.older_id is not None:  # nobody counted all pages
        if favourites:
            return say("Your favourites matching {words}, newest first", words=wanted)
        return say("Your pictures matching {words}, newest first", words=wanted)
    if favourites:
        return say.plural(
            "{n} favourite matching {words}",
            "{n} favourites matching {words}",
            count,
            words=wanted,
        )
    return say.plural(
        "{n} picture matching {words}", "{n} pictures matching {words}", count, words=wanted
    )


def query_text(query: PictureQuery, say: Words) -> str:
    """Return what somebody looked for, escaped: the words, then everything else."""
    facts = [
        *([f"“{quoted(query.text, MAX_SEARCH_CHARS)}”"] if query.words else []),
        *([] if query.seed is None else [say("seed {seed}", seed=query.seed)]),
        *([] if query.since is None else [say("from {day}", day=query.since.isoformat())]),
        *([] if query.until is None else [say("until {day}", day=query.until.isoformat())]),
        *([say("model {name}", name=quoted(query.model, NAME_CHARS))] if query.model else []),
        *([say("LoRA {name}", name=quoted(query.lora, NAME_CHARS))] if query.lora else []),
    ]
    return " · ".join(facts)


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
    note = "" if picture.note is None else note_line(picture.note, say, NOTE_CHARS)
    text = ui.TextDisplay[ui.LayoutView](f"{head}\n{small_print(' · '.join(facts), note)}")
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


def _page_button(label: str, page_id: int | None) -> ui.Button[ui.LayoutView]:
    # Even a disabled button needs a custom_id, and the two must differ.
    return ui.Button(
        label=label,
        custom_id=custom_id(ComponentAction.LIST_PAGE, page_id or 0),
        disabled=page_id is None,
    )
