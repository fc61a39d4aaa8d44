"""/loras: the LoRAs that a member may use, page by page."""

from __future__ import annotations

from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.loras import loras_layout
from bot.request.outcomes import Refused


async def show_loras(interaction: Interaction, services: Services) -> None:
    """Answer /loras with the first page."""
    found = await services.lora_access.listing(actor_of(interaction))
    if isinstance(found, Refused):
        await refuse(interaction, found)
    else:
        await reply_layout_privately(interaction, loras_layout(found, 0, words_of(interaction)))


async def turn_page(interaction: Interaction, services: Services, page: int) -> None:
    """Show another page of the LoRAs that there are now, in place of the one that was shown."""
    found = await services.lora_access.listing(actor_of(interaction))
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    view = loras_layout(found, page, words_of(interaction))
    shown = interaction.message
    if shown is not None and shown.flags.ephemeral:
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
    else:
        await reply_layout_privately(interaction, view)
