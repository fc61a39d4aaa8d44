"""What Discord and the cache say of a member on a server: whether, with which roles, and where they
can paint."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import structlog

from bot.operation.member_diagnosis import ServerFacts

log = structlog.get_logger(__name__)

MEMBER_LIMIT_S = 2.0
"""How long Discord may take to say who somebody is. Chosen by hand; the answer was deferred."""
CHANNELS_READ = 500
"""As many as a server can have."""
_NEEDED = ("view_channel", "send_messages", "attach_files")


async def server_facts(guild: discord.Guild, user_id: int, *, served: bool) -> ServerFacts:
    """Return them; the channels only of somebody who is a member."""
    try:
        async with asyncio.timeout(MEMBER_LIMIT_S):
            member = await guild.fetch_member(user_id)
    except discord.NotFound:
        return ServerFacts(guild.id, guild.name, served, member=False)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:  # or a TimeoutError
        log.info("member unknown", server=guild.id, detail=str(error)[:200])
        return ServerFacts(guild.id, guild.name, served, member=None)
    seen = [each for each in guild.text_channels[:CHANNELS_READ] if _sees(each, member)]
    closed = [each.name for each in seen if not _works(each, member)]
    return ServerFacts(
        guild.id,
        guild.name,
        served,
        member=True,
        role_ids=frozenset(role.id for role in member.roles),
        channels=len(seen),
        usable=len(seen) - len(closed),
        closed=tuple(closed),
    )


def _sees(channel: discord.TextChannel, member: discord.Member) -> bool:
    return channel.permissions_for(member).view_channel


def _works(channel: discord.TextChannel, member: discord.Member) -> bool:
    own = channel.permissions_for(channel.guild.me)
    return channel.permissions_for(member).use_application_commands and all(
        getattr(own, each) for each in _NEEDED
    )
