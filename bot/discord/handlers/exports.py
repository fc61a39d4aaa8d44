"""/export: a member's pictures and recipes as zips that only they see."""

from __future__ import annotations

import discord

from bot.delivery.exports import Export, ExportPart
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import archive_file
from bot.i18n import Words
from bot.pictures.searches import SearchTerms, parse_search
from bot.request.outcomes import Refused, UnknownPicture
from bot.request.values.ids import parse_id
from bot.wording.exports import export_failed, export_summary, part_sentence
from bot.wording.names import command_link
from storage.errors import StorageError


async def export_pictures(
    interaction: Interaction, services: Services, terms: SearchTerms, before: str | None
) -> None:
    """Answer /export with one message for each zip. before: only pictures with lower numbers."""
    actor, say = actor_of(interaction), words_of(interaction)
    wanted = parse_search(terms)
    if isinstance(wanted, Refused):
        await refuse(interaction, wanted)
        return
    before_id = None if before is None else parse_id(before)
    if before is not None and before_id is None:
        await refuse(interaction, Refused(UnknownPicture(before)))
        return
    if not interaction.app_permissions.attach_files:
        text = say(
            "I may not attach files in this channel. Please use {command} in another one.",
            command=command_link("export", say),
        )
        await reply_privately(interaction, text)
        return
    export = services.exports.begin(actor, wanted, before_id, interaction.filesize_limit)
    if isinstance(export, Refused):
        await refuse(interaction, export)
        return
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
        text = await _send_parts(interaction, export, say)
    finally:
        services.exports.end(actor)
    await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)


async def _send_parts(interaction: Interaction, export: Export, say: Words) -> str:
    """Send the zips one after the other; return what is said above them in the end."""
    sent: list[ExportPart] = []
    try:
        async for part in export.parts():
            if not sent:  # otherwise the first zip would take the place of this message
                await interaction.edit_original_response(content=say("Your zips are being made."))
            try:
                await interaction.followup.send(
                    part_sentence(part, say),
                    file=archive_file(part.name, part.file),
                    ephemeral=True,
                    allowed_mentions=NO_MENTIONS,
                )
            except discord.HTTPException as error:
                if error.status not in (403, 413):
                    raise
                return export_failed(len(sent), say, refused=True)
            sent.append(part)
    except StorageError:
        return export_failed(len(sent), say)
    return export_summary(sent, export.rest_id, say)
