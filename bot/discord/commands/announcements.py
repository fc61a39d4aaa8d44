"""/admin announcements: where a server wants to read what the bot's owners announce."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.wording.permissions import permission_names

_NEEDED = ("view_channel", "send_messages")


def admin_announcements(services: Services) -> app_commands.Group:
    """Return the group /admin announcements, bound to these services."""
    announcements = app_commands.Group(
        name="announcements", description=locale_str("What the bot's owners announce")
    )

    @announcements.command(
        name="channel", description=locale_str("Choose the channel where announcements are posted")
    )
    @app_commands.describe(channel=locale_str("The channel; if left out, none are posted here"))
    async def channel_(
        interaction: Interaction, channel: discord.TextChannel | None = None
    ) -> None:
        await _set_channel(interaction, services, channel)

    return announcements


async def _set_channel(
    interaction: Interaction, services: Services, channel: discord.TextChannel | None
) -> None:
    actor, say = actor_of(interaction), words_of(interaction)
    if (refused := services.announcements.channel_refusal(actor)) is not None:
        await refuse(interaction, refused)
        return
    missing = [] if channel is None else _missing_permissions(channel)
    if channel is not None and missing:
        await reply_privately(
            interaction,
            say(
                "Nothing was changed: I cannot write in {channel}. Missing permissions: {names}.",
                channel=channel.mention,
                names=permission_names(missing, say),
            ),
        )
        return
    refused = await services.announcements.set_channel(
        actor, None if channel is None else channel.id
    )
    if refused is not None:
        await refuse(interaction, refused)
    elif channel is None:
        await reply_privately(
            interaction, say("Announcements of the bot's owners are not posted here any more.")
        )
    else:
        text = say(
            "Announcements of the bot's owners will be posted in {channel} from now on.",
            channel=channel.mention,
        )
        await reply_privately(interaction, text)


def _missing_permissions(channel: discord.TextChannel) -> list[str]:
    """Return the permissions that the bot lacks to write in a channel."""
    can = channel.permissions_for(channel.guild.me)
    return [each for each in _NEEDED if not getattr(can, each)]
