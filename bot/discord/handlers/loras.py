"""/loras: the LoRAs that a member may use, page by page, with their sample pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import discord
from discord import ui

from bot.discord.interaction.responses import Interaction, actor_of, refuse, words_of
from bot.discord.interaction.services import Services
from bot.discord.interaction.thumbnails import show_with_thumbnails
from bot.discord.views.loras import loras_layout, loras_of_page, sample_name
from bot.request.outcomes import Refused


async def show_loras(interaction: Interaction, services: Services) -> None:
    """Answer /loras with the first page."""
    await _show(interaction, services, 0)


async def turn_page(interaction: Interaction, services: Services, page: int) -> None:
    """Show another page of the LoRAs that there are now, in place of the one that was shown."""
    shown = interaction.message
    await _show(interaction, services, page, in_place=shown is not None and shown.flags.ephemeral)


async def _show(
    interaction: Interaction, services: Services, page: int, *, in_place: bool = False
) -> None:
    found = await services.lora_access.listing(actor_of(interaction))
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    say, names = words_of(interaction), [each.name for each in loras_of_page(found, page)]

    def made(pictures: Mapping[str, bytes]) -> tuple[ui.LayoutView, list[discord.File]]:
        return loras_layout(found, page, say, pictures.keys()), _files(names, pictures)

    await show_with_thumbnails(
        interaction, lambda: services.lora_pictures.of(names), made, in_place=in_place
    )


def _files(names: Sequence[str], pictures: Mapping[str, bytes]) -> list[discord.File]:
    return [
        discord.File(io.BytesIO(pictures[name]), sample_name(row))
        for row, name in enumerate(names)
        if name in pictures
    ]
