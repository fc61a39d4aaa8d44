"""Whether everybody who sees one channel may read another, by roles and overwrites alone.

The bot knows roles, but not who has which. So every set of roles is somebody's, and a member whom a
channel names may have any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import discord

Channel = discord.TextChannel | discord.ForumChannel
VIEW = discord.Permissions(view_channel=True).value
HISTORY = discord.Permissions(read_message_history=True).value
_NEITHER = (0, 0)


@dataclass(frozen=True, slots=True)
class _Access:
    """What a role has of VIEW and HISTORY: on the server; what both channels allow and deny."""

    base: int
    shown: tuple[int, int]
    source: tuple[int, int]


async def everybody_reads(
    client: discord.Client, guild_id: int, shown_in: int, source_id: int
) -> bool:
    """Return whether everybody who sees the channel shown_in may read the channel or thread
    source_id, and age-restricted pictures stay among their like.

    Raises discord.HTTPException if a thread that is not in memory cannot be asked for.
    """
    guild = client.get_guild(guild_id)
    shown = None if guild is None else guild.get_channel(shown_in)
    if guild is None or not isinstance(shown, discord.TextChannel):
        return False
    source = guild.get_channel_or_thread(source_id)
    try:
        source = source or await guild.fetch_channel(source_id)  # an archived thread
    except (discord.NotFound, discord.Forbidden, discord.InvalidData):
        return False
    if isinstance(source, discord.Thread):
        source = None if source.is_private() else source.parent
    if not isinstance(source, Channel) or (source.is_nsfw() and not shown.is_nsfw()):
        return False
    return may_read_too(shown, source)


def may_read_too(shown: discord.TextChannel, source: Channel) -> bool:
    """Return whether everybody who sees `shown` may read `source`."""
    guild, there, here = shown.guild, _overwrites(shown), _overwrites(source)

    def access(role: discord.Role) -> _Access:
        base = role.permissions.value & (VIEW | HISTORY)
        return _Access(base, there.get(role.id, _NEITHER), here.get(role.id, _NEITHER))

    everybody = access(guild.default_role)
    if guild.default_role.permissions.administrator:
        return True
    # Administrators see everything, and a bot's own role is nobody else's.
    named = (each for each in guild.roles if not each.is_default() and not each.is_bot_managed())
    roles = {access(each) for each in named if not each.permissions.administrator}
    # One role is enough to let somebody see the one channel, another one to keep them from the
    # other: more roles hide nothing that two do not.
    people = [(), *combinations(roles, 1), *combinations(roles, 2)]
    seeing = (some for some in people if _effective(everybody, some, "shown") & VIEW)
    if not all(_reads(everybody, some, VIEW | HISTORY) for some in seeing):
        return False
    members = {each for each in (*there, *here) if guild.get_role(each) is None}
    return all(
        _member_reads(there.get(each, _NEITHER), here.get(each, _NEITHER), everybody, people)
        for each in members - {guild.owner_id, guild.me.id}
    )


def _member_reads(
    shown: tuple[int, int],
    source: tuple[int, int],
    everybody: _Access,
    people: Iterable[tuple[_Access, ...]],
) -> bool:
    """Return whether a member who is named in one of the channels and may have any roles reads the
    source, if they can see the other channel at all."""
    allowed, denied = source
    if shown[1] & VIEW and not shown[0] & VIEW:
        return True
    if denied & ~allowed:
        return False
    if not shown[0] & VIEW:  # they see it by their roles, which let them read the source as well
        return True
    needed = (VIEW | HISTORY) & ~allowed
    return all(_reads(everybody, some, needed) for some in people)


def _reads(everybody: _Access, roles: tuple[_Access, ...], needed: int) -> bool:
    return _effective(everybody, roles, "source") & needed == needed


def _effective(everybody: _Access, roles: tuple[_Access, ...], channel: str) -> int:
    """Return what a member with these roles has in a channel, as Discord reckons it."""
    found = everybody.base
    for each in roles:
        found |= each.base
    allowed, denied = getattr(everybody, channel)
    found = found & ~denied | allowed
    overwrites = [getattr(each, channel) for each in roles]
    for _, denied in overwrites:
        found &= ~denied
    for allowed, _ in overwrites:
        found |= allowed
    return found


def _overwrites(channel: Channel) -> Mapping[int, tuple[int, int]]:
    """Return what a channel allows and denies of VIEW and HISTORY, by role or member."""
    found: dict[int, tuple[int, int]] = {}
    for target, overwrite in channel.overwrites.items():
        allowed, denied = overwrite.pair()
        found[target.id] = allowed.value & (VIEW | HISTORY), denied.value & (VIEW | HISTORY)
    return found
