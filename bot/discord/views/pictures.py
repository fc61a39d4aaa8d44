"""Pure: the layouts of single pictures, of the panel behind More, and of the question before a
deletion."""

from __future__ import annotations

import discord
from discord import ui

from bot.delivery.cards import StarCard
from bot.discord.views.attachments import describe_picture
from bot.discord.views.buttons import (
    deletion_rows,
    more_rows,
    series_rows,
    single_picture_rows,
)
from bot.discord.views.markdown import PROMPT_SHOWN, alt_text, layout, quoted, small_print
from bot.i18n import Words
from bot.pictures.possible_actions import AllowedActions, PossibleActions
from bot.wording.lists import listed
from storage.types import StoredPicture

NOTE_SHOWN = 300
"""Characters of a note that a panel shows. Chosen by hand."""


def picture_gallery(
    file_name: str, described: str, *, spoiler: bool = False
) -> ui.MediaGallery[ui.LayoutView]:
    """Return a media gallery with one preview or result. described: text for screen readers.

    spoiler: hidden until clicked. The file name needs its prefix too (`filenames.attachment_name`),
    because some clients look only at that.
    """
    return ui.MediaGallery(
        discord.MediaGalleryItem(
            f"attachment://{file_name}", description=alt_text(described), spoiler=spoiler
        )
    )


def picture_layout(
    picture: StoredPicture,
    possible: PossibleActions,
    file_name: str,
    say: Words,
    *,
    own: bool = True,
) -> ui.LayoutView:
    """Show one picture ephemerally, with the buttons of what is possible. own: to its owner."""
    described = describe_picture(picture.prompt, file_name, say)
    gallery = picture_gallery(file_name, described)
    text = f"**#{picture.id}** {quoted(picture.prompt, PROMPT_SHOWN)}"
    if own and picture.note is not None:
        text += f"\n{small_print(note_line(picture.note, say))}"
    rows = single_picture_rows(picture.id, possible, say, own=own)
    return layout(ui.TextDisplay(text), gallery, *rows)


def starred_layout(card: StarCard, say: Words) -> ui.LayoutView:
    """Show a picture with many stars and whose it is, with a link to where it was made."""
    picture = card.picture
    gallery = picture_gallery(
        card.file_name,
        describe_picture(picture.prompt, card.file_name, say),
        spoiler=picture.spoiler,
    )
    person = f"<@{picture.place.user_id}>"
    whose = say("by {person} · picture #{id}", person=person, id=picture.id)
    text = f"⭐ **{quoted(picture.prompt, PROMPT_SHOWN)}**\n{small_print(whose)}"
    link = ui.Button[ui.LayoutView](label=say("Go to the picture"), url=card.url)
    return layout(ui.TextDisplay(text), gallery, ui.ActionRow(link))


def note_line(note: str, say: Words, limit: int = NOTE_SHOWN) -> str:
    """Return a note in one line, for whoever wrote it."""
    return say("your note: {note}", note=f"“{quoted(' '.join(note.split()), limit)}”")


def more_layout(allowed: AllowedActions, say: Words) -> ui.LayoutView:
    """Show the panel behind More: further actions, for several pictures after choosing one."""
    first = allowed.pictures[0]
    if len(allowed.pictures) == 1:
        return more_of_picture_layout(allowed, first.id, say)
    head = say.plural("{n} numbered picture", "{n} numbered pictures", len(allowed.pictures))
    text = _more_text(head, first, _favourite_marks(allowed, first, say))
    return layout(ui.TextDisplay(text), *series_rows(allowed, say))


def more_of_picture_layout(allowed: AllowedActions, picture_id: int, say: Words) -> ui.LayoutView:
    """Show further actions for one picture, with a way back to the others of its job."""
    numbered = enumerate(allowed.pictures, 1)
    number, picture = next(pair for pair in numbered if pair[1].id == picture_id)
    head = say("Picture #{id}", id=picture_id)
    if len(allowed.pictures) > 1:
        head = say("Picture {number} (#{id})", number=number, id=picture_id)
    marks = _favourite_marks(allowed, picture, say)
    if allowed.own and picture.note is not None:
        marks.append(note_line(picture.note, say))
    text = _more_text(head, picture, marks)
    return layout(ui.TextDisplay(text), *more_rows(allowed, picture, say))


def _more_text(head: str, picture: StoredPicture, marks: list[str]) -> str:
    text = f"**{head}**\n{quoted(picture.prompt, PROMPT_SHOWN)}"
    return f"{text}\n{small_print(*marks)}" if marks else text


def _favourite_marks(allowed: AllowedActions, picture: StoredPicture, say: Words) -> list[str]:
    """Return which of the pictures are favourites, for their owner."""
    if not allowed.own:
        return []
    if len(allowed.pictures) == 1:
        return [say("your favourite")] if picture.favourite else []
    numbers = [str(n) for n, each in enumerate(allowed.pictures, 1) if each.favourite]
    return [say("your favourites: {numbers}", numbers=listed(numbers, say))] if numbers else []


def deletion_question(pictures: int, say: Words) -> str:
    """Ask whether the pictures of one message are to be deleted."""
    question = say.plural(
        "Delete this picture and its message? This cannot be undone.",
        "Delete these {n} pictures and their message? This cannot be undone.",
        pictures,
    )
    return f"**{question}**"


def deletion_layout(allowed: AllowedActions, picture_id: int, say: Words) -> ui.LayoutView:
    """Ask back before the pictures of a job are deleted."""
    text, first = deletion_question(len(allowed.pictures), say), allowed.pictures[0]
    if allowed.own or not first.private:  # moderators delete what they may not read
        text += f"\n{quoted(first.prompt, PROMPT_SHOWN)}"
    return layout(ui.TextDisplay(text), *deletion_rows(picture_id, say))
