"""/privacy: what is stored of oneself; and /admin erase, for an admin's server."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.handlers import privacy as handlers
from bot.discord.interaction.responses import Interaction
from bot.discord.interaction.services import Services


def privacy_commands(services: Services) -> app_commands.Group:
    """Return the group /privacy, bound to these services."""
    privacy = app_commands.Group(name="privacy", description=locale_str("What is stored of you"))

    @privacy.command(description=locale_str("See what is stored of you"))
    async def info(interaction: Interaction) -> None:
        await handlers.show_info(interaction, services)

    @privacy.command(description=locale_str("Get everything that is stored of you, as a zip"))
    async def export(interaction: Interaction) -> None:
        await handlers.export_data(interaction, services)

    @privacy.command(description=locale_str("Erase everything of you, for good"))
    async def erase(interaction: Interaction) -> None:
        await handlers.ask_own(interaction, services)

    return privacy


def admin_erase(services: Services) -> app_commands.Group:
    """Return the group /admin erase, bound to these services."""
    erase = app_commands.Group(name="erase", description=locale_str("Erase what is stored here"))

    @erase.command(description=locale_str("Erase everything of a member here"))
    @app_commands.describe(who=locale_str("The member; also somebody who has left"))
    async def user(interaction: Interaction, who: discord.User) -> None:
        await handlers.ask_member(interaction, services, who)

    return erase
