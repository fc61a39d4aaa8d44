"""/admin stars: where pictures that gathered enough stars are shown once more."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range, locale_str

from bot.administration.star_channel import MAX_STARS
from bot.discord.interaction.channels import missing_for_pictures
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.request.outcomes import Refused
from bot.wording.permissions import permission_names
from bot.wording.stars import star_channel

Count = Range[int, 2, MAX_STARS]


def admin_stars(services: Services) -> app_commands.Command[Any, ..., None]:
    """Return /admin stars, bound to these services."""

    @app_commands.command(description=locale_str("Where starred pictures go"))
    @app_commands.describe(
        channel=locale_str("Default: nowhere"),
        stars=locale_str("Stars needed"),
    )
    async def stars(
        interaction: Interaction,
        channel: discord.TextChannel | None = None,
        stars: Count | None = None,
    ) -> None:
        await _choose(interaction, services, channel, stars)

    return stars


async def _choose(
    interaction: Interaction,
    services: Services,
    channel: discord.TextChannel | None,
    stars: int | None,
) -> None:
    actor, say = actor_of(interaction), words_of(interaction)
    service = services.administration.stars
    if (refused := service.refusal(actor)) is not None:
        await refuse(interaction, refused)
        return
    missing = [] if channel is None else missing_for_pictures(channel)
    if channel is not None and missing:
        text = say(
            "Nothing was changed: I cannot post in {channel}. Missing permissions: {names}.",
            channel=channel.mention,
            names=permission_names(missing, say),
        )
        await reply_privately(interaction, text)
        return
    # Where a server has no language, it is the one that Discord says.
    said = str(interaction.guild_locale or interaction.locale)
    channel_id = None if channel is None else channel.id
    chosen = await service.choose(actor, channel_id, stars, said)
    if isinstance(chosen, Refused):
        await refuse(interaction, chosen)
    else:
        await reply_privately(interaction, star_channel(chosen, say))
