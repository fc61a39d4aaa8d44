"""How what was looked up is shown: to its reader alone, at once or after something was fetched."""

from __future__ import annotations

import io

import aiohttp
import discord

from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.views.inspection import Panel, details_panel
from bot.pictures.embedded_recipe import UnreadableRecipe
from bot.pictures.inspection import CanRead, PictureDetails, RecipeFile
from bot.request.outcomes import Refused
from bot.wording import recipes, rejections
from engine.uploads import UploadRefused

Found = PictureDetails | UnreadableRecipe | UploadRefused


def can_read_of(interaction: Interaction) -> CanRead:
    """Which channels of this server the person who asks can read."""
    guild, member = interaction.guild, interaction.user

    def sees(channel_id: int) -> bool:
        if guild is None or not isinstance(member, discord.Member):
            return False
        channel = guild.get_channel_or_thread(channel_id)
        # Who is in a private thread is not known here; whoever asks from within it is.
        if channel is None or (isinstance(channel, discord.Thread) and channel.is_private()):
            return False
        can = channel.permissions_for(member)
        return can.view_channel and can.read_message_history

    return sees


def recipe_file_of(attachment: discord.Attachment) -> RecipeFile:
    """An attachment as the studio takes it."""

    async def fetch() -> bytes:
        try:
            return await attachment.read()
        except (discord.HTTPException, aiohttp.ClientError) as error:
            raise OSError(str(error)[:200]) from error

    return RecipeFile(attachment.filename, attachment.size, fetch)


async def show_details(interaction: Interaction, outcome: PictureDetails | Refused) -> None:
    """Show how a picture was made."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await _show(interaction, details_panel(outcome, words_of(interaction)))


async def show_found(interaction: Interaction, found: Found) -> None:
    """Show what a file says of itself, or a sentence about it."""
    say = words_of(interaction)
    match found:
        case PictureDetails():
            await _show(interaction, details_panel(found, say))
        case UnreadableRecipe():
            await edit_reply(interaction, recipes.unreadable_recipe(found, say))
        case UploadRefused():
            await edit_reply(interaction, rejections.upload_refusal(found, say))


async def edit_reply(interaction: Interaction, text: str) -> None:
    """Answer with a sentence, also where an answer was announced before."""
    if interaction.response.is_done():
        await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)
    else:
        await reply_privately(interaction, text)


async def _show(interaction: Interaction, panel: Panel) -> None:
    files: list[discord.File] = []
    if panel.file is not None:
        name, content = panel.file
        files.append(discord.File(io.BytesIO(content), name))
    if interaction.response.is_done():
        await interaction.edit_original_response(
            view=panel.view, attachments=files, allowed_mentions=NO_MENTIONS
        )
    else:
        await interaction.response.send_message(
            view=panel.view, files=files, ephemeral=True, allowed_mentions=NO_MENTIONS
        )
