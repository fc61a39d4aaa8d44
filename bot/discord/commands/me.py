"""/me: one's quota, pictures, settings and presets at a glance."""

from __future__ import annotations

from typing import Any

from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.me import Overview, overview_layout


def me_command(services: Services) -> app_commands.Command[Any, ..., None]:
    """Return /me, bound to these services."""

    @app_commands.command(
        description=locale_str("Your quota, pictures, settings and presets at a glance")
    )
    async def me(interaction: Interaction) -> None:
        actor = actor_of(interaction)
        overview = Overview(
            quota=await services.quotas.own(actor),
            totals=await services.gallery.totals(actor),
            settings=await services.delivery_settings.overview(actor),
            defaults=await services.request_defaults.own(actor),
            presets=len(await services.presets.listed(actor)),
        )
        await reply_layout_privately(interaction, overview_layout(overview, words_of(interaction)))

    return me
