"""The /admin commands. Discord hides them from members, and every permission is checked again."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Range, locale_str

from bot.accounts.quota_settings import MAX_HOURS, MAX_PICTURES
from bot.discord.commands.loras import admin_loras
from bot.discord.commands.models import admin_models
from bot.discord.commands.moderation import moderation_commands
from bot.discord.commands.privacy import admin_erase
from bot.discord.commands.settings import admin_settings
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import quota_text
from bot.request.outcomes import Refused
from bot.wording.rejections import window_length
from storage.types import QuotaStatus

Pictures = Range[int, 0, MAX_PICTURES]
Hours = Range[int, 1, MAX_HOURS]


def admin_commands(services: Services) -> app_commands.Group:
    """Return the /admin group, bound to these services."""
    admin = app_commands.Group(
        name="admin",
        description=locale_str("For members with Manage Server"),
        default_permissions=discord.Permissions(manage_guild=True),
        guild_only=True,
    )
    admin.add_command(_quota(services))
    for command in moderation_commands(services):
        admin.add_command(command)
    admin.add_command(admin_settings(services))
    admin.add_command(admin_loras(services))
    admin.add_command(admin_erase(services))
    if services.models.several:
        admin.add_command(admin_models(services))
    return admin


def _quota(services: Services) -> app_commands.Group:
    quota = app_commands.Group(name="quota", description=locale_str("Members' quotas"))

    @quota.command(name="set", description=locale_str("Set a member's quota"))
    @app_commands.describe(
        who=locale_str("The member"),
        pictures=locale_str("Pictures allowed per rolling window; 0 = none"),
        hours=locale_str("Length of the rolling window in hours (default: the bot's setting)"),
    )
    async def set_(
        interaction: Interaction, who: discord.User, pictures: Pictures, hours: Hours | None = None
    ) -> None:
        outcome = await services.quotas.set(actor_of(interaction), who.id, pictures, hours)
        await _answer(interaction, outcome, who.mention)

    @quota.command(
        name="clear",
        description=locale_str("Remove a member's own quota, so that the server's default applies"),
    )
    @app_commands.describe(who=locale_str("The member"))
    async def clear(interaction: Interaction, who: discord.User) -> None:
        outcome = await services.quotas.clear(actor_of(interaction), who.id)
        await _answer(interaction, outcome, who.mention)

    @quota.command(
        name="default",
        description=locale_str("Set the quota for members without one of their own"),
    )
    @app_commands.describe(
        pictures=locale_str("Pictures allowed per rolling window; 0 = none"),
        hours=locale_str("Length of the rolling window in hours (default: the bot's setting)"),
    )
    async def default(
        interaction: Interaction, pictures: Pictures, hours: Hours | None = None
    ) -> None:
        actor = actor_of(interaction)
        policy = await services.quotas.set_default(actor, pictures, hours)
        if isinstance(policy, Refused):
            await refuse(interaction, policy)
            return
        say = words_of(interaction)
        text = say.plural(
            "From now on, each member here can paint {n} picture in {window}, unless they "
            "have a quota of their own.",
            "From now on, each member here can paint {n} pictures in {window}, unless they "
            "have a quota of their own.",
            policy.pictures,
            window=window_length(policy.hours, say),
        )
        await reply_privately(interaction, text)

    @quota.command(
        name="show", description=locale_str("See a member's quota and how much of it is left")
    )
    @app_commands.describe(who=locale_str("The member"))
    async def show(interaction: Interaction, who: discord.User) -> None:
        outcome = await services.quotas.show(actor_of(interaction), who.id)
        await _answer(interaction, outcome, who.mention)

    return quota


async def _answer(interaction: Interaction, outcome: QuotaStatus | Refused, who: str) -> None:
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(interaction, quota_text(outcome, who, words_of(interaction)))
