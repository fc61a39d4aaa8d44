"""Pure: the layouts of /history: pages of pictures, favourites, or what was found."""

from __future__ import annotations

from collections.abc import Collection

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
from bot.wording.names import command_link
from storage.search import WHOLE_SERVER, PictureQuery
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
    items += [_row(each, page, each.id in thumbnails, say) for each in page.pictures]
    items += _show_rows(page, say)
    if page.newer_id is not None or page.older_id is not None:
        items.append(
            ui.ActionRow(
                _page_button(say("Newer"), page.newer_id), _page_button(say("Older"), page.older_id)
            )
        )
    return layout(*items)


def _empty_text(page: GalleryPage, say: Words) -> str:
    if page.query.shown_in is not None:
        if page.query.indexed:
            wanted = query_text(page.query, say)
            return say("No picture that you may see here matches {words}.", words=wanted)
        return say("There are no pictures that you may see here. Private ones are never listed.")
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
    return say("You have no pictures here. Try {imagine}.", imagine=command_link("imagine", say))


def _heading(page: GalleryPage, say: Words) -> str:
    favourites, total, where = page.query.favourites, page.total, page.query.shown_in
    if where is not None:
        return _shown_heading(page.query, where, say)
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


def _shown_heading(query: PictureQuery, where: int, say: Words) -> str:
    channel, wanted = f"<#{where}>", query_text(query, say)
    if where == WHOLE_SERVER:
        if query.indexed:
            return say(
                "Pictures of this server that you may see and that match {words}, newest first",
                words=wanted,
            )
        return say("Pictures of this server that you may see, newest first")
    if query.indexed:
        return say(
            "Pictures in {channel} matching {words}, newest first", channel=channel, words=wanted
        )
    return say("Pictures in {channel}, newest first", channel=channel)


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


def _row(picture: StoredPicture, page: GalleryPage, pictured: bool, say: Words) -> Item:
    """Return the row of a picture. pictured: with its thumbnail."""
    own = page.query.shown_in is None
    facts = [
        *([] if own else [_whose(picture, page, say)]),
        say("seed {seed}", seed=picture.seed),
        f"{picture.width_px}×{picture.height_px}",
        timestamp(picture.painted_at),
        *(_marks(picture, page, say) if own else []),
    ]
    head = f"**#{picture.id}** {quoted(picture.prompt, PROMPT_CHARS)}"
    noted = own and picture.note is not None
    note = note_line(picture.note or "", say, NOTE_CHARS) if noted else ""
    text = ui.TextDisplay[ui.LayoutView](f"{head}\n{small_print(' · '.join(facts), note)}")
    if not pictured:
        return text
    name = thumbnail_name(picture.id, spoiler=picture.spoiler)
    thumbnail = ui.Thumbnail[ui.LayoutView](
        f"attachment://{name}", description=describe_stored(picture, say), spoiler=picture.spoiler
    )
    return ui.Section(text, accessory=thumbnail)


def _marks(picture: StoredPicture, page: GalleryPage, say: Words) -> list[str]:
    """Return what only the owner of a picture is told."""
    return [
        *([say("your favourite")] if picture.favourite and not page.query.favourites else []),
        *([say("private")] if picture.private else []),
        *([say("could not be posted")] if picture.id in page.unseen else []),
    ]


def _whose(picture: StoredPicture, page: GalleryPage, say: Words) -> str:
    person = f"<@{picture.place.user_id}>"
    if page.query.shown_in != WHOLE_SERVER:
        return say("by {person}", person=person)
    channel = f"<#{picture.place.channel_id}>"
    return say("by {person} in {channel}", person=person, channel=channel)


def _show_rows(page: GalleryPage, say: Words) -> list[Item]:
    """Return the buttons that show each picture: a section has room for a thumbnail or a button.

    Buttons and no menu: in a menu, Discord's clients ignore the choice that is already chosen.
    """
    own = page.query.shown_in is None
    action = ComponentAction.SHOW_OWN if own else ComponentAction.SHOW_SHARED
    buttons = [
        ui.Button[ui.LayoutView](
            label=say("Show #{id}", id=each.id),
            style=discord.ButtonStyle.secondary,
            custom_id=custom_id(action, each.id),
        )
        for each in page.pictures
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
