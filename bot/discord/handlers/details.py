"""Recipes of pictures and files, shown ephemerally, at once or after a download."""

from __future__ import annotations

import aiohttp
import discord

from bot.discord.interaction.readable_channels import can_read_of
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import text_file
from bot.discord.views.inspection import Panel, details_panel, foreign_panel
from bot.pictures.inspection import (
    FileOutcome,
    ForeignDetails,
    PictureDetails,
    RecipeFile,
)
from bot.pictures.recipe_import import UnreadableRecipe
from bot.request.outcomes import Refused
from bot.wording import recipes, rejections
from engine.uploads import UploadRefused


def recipe_file_of(attachment: discord.Attachment) -> RecipeFile:
    """Return an attachment in the form that the inspection service takes."""

    async def fetch() -> bytes:
        try:
            return await attachment.read()
        except (discord.HTTPException, aiohttp.ClientError) as error:
            raise OSError(str(error)[:200]) from error

    return RecipeFile(attachment.filename, attachment.size, fetch)


async def show_by_id(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Show how the picture with this id was made."""
    outcome = await services.inspection.details(
        actor_of(interaction), picture_id, can_read_of(interaction)
    )
    await show_details(interaction, outcome)


async def show_details(interaction: Interaction, outcome: PictureDetails | Refused) -> None:
    """Show how a picture was made, or why that cannot be shown."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await _show(interaction, details_panel(outcome, words_of(interaction)))


async def show_file_details(
    interaction: Interaction, services: Services, outcome: FileOutcome
) -> None:
    """Show the recipe found in a file, or a sentence on why there is none.

    Another program's is kept for a button that paints something like it.
    """
    say = words_of(interaction)
    match outcome:
        case PictureDetails():
            await _show(interaction, details_panel(outcome, say))
        case ForeignDetails():
            kept_id = None
            if outcome.line:
                kept_id = await services.explained.keep(actor_of(interaction), outcome.line)
            await _show(interaction, foreign_panel(outcome, say, kept_id))
        case UnreadableRecipe():
            await edit_reply(interaction, recipes.unreadable_recipe(outcome, say))
        case UploadRefused():
            await edit_reply(interaction, rejections.upload_refusal(outcome, say))


async def edit_reply(interaction: Interaction, text: str) -> None:
    """Reply with a sentence; a deferred response is edited instead."""
    if interaction.response.is_done():
        await interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS)
    else:
        await reply_privately(interaction, text)


async def _show(interaction: Interaction, panel: Panel) -> None:
    files: list[discord.File] = []
    if panel.file is not None:
        name, content = panel.file
        files.append(text_file(name, content))
    if interaction.response.is_done():
        await interaction.edit_original_response(
            view=panel.view, attachments=files, allowed_mentions=NO_MENTIONS
        )
    else:
        await interaction.response.send_message(
            view=panel.view, files=files, ephemeral=True, allowed_mentions=NO_MENTIONS
        )
