"""Rerolls: paint pictures again, with a fresh seed or with their own."""

from __future__ import annotations

from bot.discord.interaction.readable_channels import can_read_of
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    refuse,
)
from bot.discord.interaction.services import Services
from bot.request.outcomes import Refused


async def reroll(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Paint all pictures of a job again with a fresh seed."""
    if await can_deliver_here(interaction):
        outcome = await services.rerolls.reroll(
            actor_of(interaction), picture=str(picture_id), anyones=True, whole=True
        )
        await answer(interaction, services, outcome)


async def paint_again(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Paint a picture again with its own seed; it counts against the quota of whoever pressed."""
    if not await can_deliver_here(interaction):
        return
    actor = actor_of(interaction)
    details = await services.inspection.details(actor, picture_id, can_read_of(interaction))
    if isinstance(details, Refused):
        await refuse(interaction, details)
        return
    seed = details.recipe.request.seed
    outcome = await services.rerolls.reroll(actor, picture=str(picture_id), seed=seed, anyones=True)
    await answer(interaction, services, outcome)
