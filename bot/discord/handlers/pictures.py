"""Buttons that show, copy or mark a single picture, and the panel behind More."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from discord import ui

from bot.delivery.attachments import fit_file_to_limit
from bot.discord.handlers.deletion import remove_leftover
from bot.discord.handlers.details import edit_reply
from bot.discord.interaction.deferral import defer, in_time
from bot.discord.interaction.readable_channels import MemberChannels
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refusal_text,
    refuse,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import attached
from bot.discord.views.modals import note_form, submitted_values
from bot.discord.views.pictures import more_layout, more_of_picture_layout, picture_layout
from bot.i18n import Words
from bot.pictures.possible_actions import AllowedActions
from bot.request.outcomes import Refused, UnknownPicture
from bot.request.values.ids import parse_id
from bot.wording.delivery import copy_result
from bot.wording.stars import note_sentence, starred_sentence
from storage.types import StoredPicture


async def show(
    interaction: Interaction, services: Services, picture_id: int, *, anyones: bool
) -> None:
    """Show a picture ephemerally. anyones: pictures of other members are shown too."""
    actor = actor_of(interaction)
    await _show(
        interaction,
        services,
        lambda: services.gallery.show(actor, picture_id, anyones=anyones),
    )


async def show_shared(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Show a picture of the member's own, or one that they may read where it was shown."""
    actor, readable = actor_of(interaction), MemberChannels(interaction, services.threads)
    await _show(
        interaction,
        services,
        lambda: services.server_gallery.show(actor, picture_id, readable),
    )


async def show_typed(interaction: Interaction, services: Services, typed: str) -> None:
    """Answer /show in the same way."""
    number = parse_id(typed)
    if number is None:
        await refuse(interaction, Refused(UnknownPicture(typed)))
    else:
        await show_shared(interaction, services, number)


async def _show(
    interaction: Interaction,
    services: Services,
    found: Callable[[], Coroutine[Any, Any, tuple[StoredPicture, Path] | Refused]],
) -> None:
    outcome = await in_time(interaction, found())
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    picture, path = outcome
    await defer(interaction)
    try:
        name, data = await asyncio.to_thread(
            fit_file_to_limit, path, path.name, interaction.filesize_limit
        )
    except OSError:
        gone = await found()
        if not isinstance(gone, Refused):
            raise
        await edit_reply(interaction, refusal_text(interaction, gone))  # deleted just now
        return
    possible = await services.actions.possible(picture)
    own = picture.place.user_id == interaction.user.id
    view = picture_layout(picture, possible, name, words_of(interaction), own=own)
    await interaction.edit_original_response(
        view=view,
        attachments=[attached(view, name, data)],
        allowed_mentions=NO_MENTIONS,
    )


async def show_more(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the panel behind More for all pictures of a job."""
    await _show_more(interaction, services, picture_id, lambda found, say: more_layout(found, say))


async def show_more_of_one(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the panel behind More for this picture alone."""
    await _show_more(
        interaction,
        services,
        picture_id,
        lambda found, say: more_of_picture_layout(found, picture_id, say),
    )


async def choose_picture(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Turn the panel behind More to this picture."""
    await _show_more(
        interaction,
        services,
        picture_id,
        lambda found, say: more_of_picture_layout(found, picture_id, say),
        in_place=True,
    )


async def choose_another(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Turn the panel behind More back to all pictures of the job."""
    await _show_more(
        interaction,
        services,
        picture_id,
        lambda found, say: more_layout(found, say),
        in_place=True,
    )


async def _show_more(
    interaction: Interaction,
    services: Services,
    picture_id: int,
    made: Callable[[AllowedActions, Words], ui.LayoutView],
    *,
    in_place: bool = False,
) -> None:
    """Show a panel. in_place: instead of the one whose button was pressed.

    A message that others can see is never replaced: menus of earlier versions were below pictures.
    """
    allowed = await services.gallery.allowed_actions(actor_of(interaction), picture_id)
    if isinstance(allowed, Refused):
        if not await remove_leftover(interaction, services, picture_id):
            await refuse(interaction, allowed)
        return
    view, pressed = made(allowed, words_of(interaction)), interaction.message
    if in_place and pressed is not None and pressed.flags.ephemeral:
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
    else:
        await reply_layout_privately(interaction, view)


async def set_favourite(
    interaction: Interaction, services: Services, picture_id: int, *, favourite: bool
) -> None:
    """Mark or unmark a favourite, and update the panel behind More that holds the button."""
    actor = actor_of(interaction)
    marked = await services.gallery.set_favourite(actor, picture_id, favourite=favourite)
    if isinstance(marked, Refused):
        await refuse(interaction, marked)
    else:
        await choose_picture(interaction, services, picture_id)


async def star(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Give a picture the star of whoever pressed the button, or take it back."""
    starred = await services.gallery.star(actor_of(interaction), picture_id)
    if not isinstance(starred, Refused):
        await reply_privately(interaction, starred_sentence(starred, words_of(interaction)))
    elif not await remove_leftover(interaction, services, picture_id):
        await refuse(interaction, starred)


async def show_note_form(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the form with the member's note on their picture."""
    note = await services.gallery.note_of(actor_of(interaction), picture_id)
    if isinstance(note, Refused):
        await refuse(interaction, note)
    else:
        await interaction.response.send_modal(note_form(picture_id, note, words_of(interaction)))


async def submit_note(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Keep the note from the form."""
    typed = submitted_values(interaction).get("note", "")
    note = await services.gallery.write_note(actor_of(interaction), picture_id, typed)
    if isinstance(note, Refused):
        await refuse(interaction, note)
    else:
        say = words_of(interaction)
        await reply_privately(interaction, note_sentence(picture_id, note, say))


async def send_copy(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Send a copy of a picture by direct message to whoever pressed the button."""
    outcome = await services.gallery.show(actor_of(interaction), picture_id, anyones=True)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    copied = await services.copies.send(interaction.user.id, *outcome, str(interaction.locale))
    await edit_reply(interaction, copy_result(copied, words_of(interaction)))
