"""The /admin commands. Discord hides them from members, and every permission is checked again."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.commands.administration import administration_commands
from bot.discord.commands.filters import admin_filter
from bot.discord.commands.loras import admin_loras
from bot.discord.commands.models import admin_models
from bot.discord.commands.moderation import moderation_commands
from bot.discord.commands.privacy import admin_erase
from bot.discord.commands.quotas import quota_commands
from bot.discord.commands.rules import admin_access, admin_rules
from bot.discord.commands.settings import admin_settings
from bot.discord.commands.stars import admin_stars
from bot.discord.interaction.services import Services


def admin_commands(services: Services) -> app_commands.Group:
    """Return the /admin group, bound to these services."""
    admin = app_commands.Group(
        name="admin",
        description=locale_str("For members with Manage Server"),
        default_permissions=discord.Permissions(manage_guild=True),
        guild_only=True,
    )
    admin.add_command(quota_commands(services))
    for command in moderation_commands(services):
        admin.add_command(command)
    for command in administration_commands(services):
        admin.add_command(command)
    admin.add_command(admin_settings(services))
    admin.add_command(admin_filter(services))
    admin.add_command(admin_rules(services))
    admin.add_command(admin_access(services))
    admin.add_command(admin_loras(services))
    admin.add_command(admin_erase(services))
    admin.add_command(admin_stars(services))
    if services.models.several:
        admin.add_command(admin_models(services))
    return admin
