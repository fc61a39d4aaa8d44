"""/models: the models of the bot, page by page, with a sample picture each."""

from __future__ import annotations

import io
from collections.abc import Mapping

import discord

from bot.discord.interaction.responses import NO_MENTIONS, Interaction, actor_of, words_of
from bot.discord.interaction.services import Services
from bot.discord.views.models import ModelRow, models_layout, models_on, sample_name


async def show_models(interaction: Interaction, services: Services) -> None:
    """Answer /models with the first page."""
    await _show(interaction, services, 0, in_place=False)


async def turn_page(interaction: Interaction, services: Services, page: int) -> None:
    """Show another page in place of the one that was shown."""
    await _show(interaction, services, page, in_place=True)


async def _show(interaction: Interaction, services: Services, page: int, *, in_place: bool) -> None:
    rows = await _rows(interaction, services)
    shown = models_on(rows, page)
    samples: Mapping[str, bytes] = {}
    if interaction.app_permissions.attach_files and any(each.model.sample for each in shown):
        # Large pictures take a while to be made small, the first time.
        if in_place:
            await interaction.response.defer()
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
        samples = await services.model_samples.of(each.model for each in shown)
    view = models_layout(rows, page, samples.keys(), words_of(interaction))
    files = [
        discord.File(io.BytesIO(samples[each.model.name]), sample_name(each.model))
        for each in shown
        if each.model.name in samples
    ]
    if interaction.response.is_done():
        await interaction.edit_original_response(
            view=view, attachments=files, allowed_mentions=NO_MENTIONS
        )
    elif in_place:
        # The files of the page before go with it.
        await interaction.response.edit_message(
            view=view, attachments=files, allowed_mentions=NO_MENTIONS
        )
    else:
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=NO_MENTIONS
        )


async def _rows(interaction: Interaction, services: Services) -> list[ModelRow]:
    models, loaded = services.models, services.status.loaded_model
    usable = await services.model_access.matching(actor_of(interaction))
    return [
        ModelRow(each, each is models.default, each.name == loaded, each in usable)
        for each in models.models
    ]
