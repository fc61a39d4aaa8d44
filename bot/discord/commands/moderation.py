"""Commands for moderators: /admin reports, block, unblock, blocked, and the same blocks under
/moderation. Permissions are checked again."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range, locale_str

from bot.discord.interaction.ranks import is_out_of_reach
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.markdown import quoted, timestamp
from bot.discord.views.moderation import blocked_layout, reports_layout
from bot.request.outcomes import Refused
from bot.wording import moderation
from storage.types import REASON_LIMIT_CHARS

ReasonText = Range[str, 1, REASON_LIMIT_CHARS]


def moderation_commands(
    services: Services,
) -> list[app_commands.Command[Any, ..., None] | app_commands.Group]:
    """Return the moderation parts of /admin, bound to these services."""
    return [_reports(services), _block(services), _unblock(services), _blocked(services)]


def moderator_commands(services: Services) -> app_commands.Group:
    """Return the /moderation group: what those may who manage messages, but not the server.

    Discord hides /admin from them, and permissions belong to a whole group.
    """
    group = app_commands.Group(
        name="moderation",
        description=locale_str("For members with Manage Messages"),
        default_permissions=discord.Permissions(manage_messages=True),
        guild_only=True,
    )
    for command in (_block(services), _unblock(services), _blocked(services)):
        group.add_command(command)
    return group


def _reports(services: Services) -> app_commands.Group:
    reports = app_commands.Group(
        name="reports", description=locale_str("Pictures reported by members")
    )

    @reports.command(name="list", description=locale_str("See the open reports"))
    async def list_(interaction: Interaction) -> None:
        open_reports = await services.reports.open_cases(actor_of(interaction))
        if isinstance(open_reports, Refused):
            await refuse(interaction, open_reports)
        else:
            await reply_layout_privately(
                interaction, reports_layout(open_reports, words_of(interaction))
            )

    return reports


def _block(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Block a member from painting on this server"))
    @app_commands.describe(
        who=locale_str("The member"),
        reason=locale_str("The reason, which they see when they try to paint"),
        duration=locale_str("How long, such as 3d (default: until unblocked)"),
    )
    @app_commands.rename(duration="for")
    async def block(
        interaction: Interaction,
        who: discord.User,
        reason: ReasonText = "",
        duration: Range[str, 1, 30] | None = None,
    ) -> None:
        out_of_reach = await is_out_of_reach(interaction, who.id, who)
        done = await services.blocks.block(
            actor_of(interaction), who.id, reason, out_of_reach=out_of_reach, duration=duration
        )
        if isinstance(done, Refused):
            await refuse(interaction, done)
        else:
            why = done.block.reason and quoted(done.block.reason, REASON_LIMIT_CHARS)
            await reply_privately(
                interaction, moderation.user_blocked(done, why, words_of(interaction), timestamp)
            )

    return block


def _unblock(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Let a blocked member paint again"))
    @app_commands.describe(who=locale_str("The member"))
    async def unblock(interaction: Interaction, who: discord.User) -> None:
        refused = await services.blocks.unblock(actor_of(interaction), who.id)
        if refused is not None:
            await refuse(interaction, refused)
        else:
            say = words_of(interaction)
            await reply_privately(
                interaction, say("{person} can paint on this server again.", person=who.mention)
            )

    return unblock


def _blocked(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("See who is blocked on this server"))
    async def blocked(interaction: Interaction) -> None:
        blocks = await services.blocks.blocked(actor_of(interaction))
        if isinstance(blocks, Refused):
            await refuse(interaction, blocks)
        else:
            await reply_layout_privately(interaction, blocked_layout(blocks, words_of(interaction)))

    return blocked
