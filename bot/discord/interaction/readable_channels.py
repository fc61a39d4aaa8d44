"""Which channels and threads of a server whoever uses an interaction can read."""

from __future__ import annotations

import discord

from bot.discord.interaction.home_server import home_server
from bot.discord.interaction.responses import Interaction, is_age_restricted
from bot.discord.interaction.threads import ThreadFacts, ThreadLookup
from bot.pictures.inspection import CanRead


def can_read_of(interaction: Interaction) -> CanRead:
    """Return a function that tells which channels of this server the user can read.

    Of threads it knows those that are active and not private; MemberChannels asks about others.
    """
    member = _member_of(interaction)

    def sees(channel_id: int) -> bool:
        channel = None if member is None else member.guild.get_channel_or_thread(channel_id)
        if channel is None or (isinstance(channel, discord.Thread) and channel.is_private()):
            return False
        return member is not None and _sees(channel, member)

    return sees


class MemberChannels:
    """The channels and threads whose pictures a member may be shown where the interaction is.

    Those that they can read; age-restricted ones only in an age-restricted channel. A thread has
    the rights of its channel, be it archived or not, and so has a post of a forum; a private one
    is read by its members and by those who may manage threads.
    """

    def __init__(self, interaction: Interaction, threads: ThreadLookup) -> None:
        self._member = _member_of(interaction)
        self._client = interaction.client
        self._channel_id = interaction.channel_id
        self._in_restricted = is_age_restricted(interaction.channel)
        self._threads = threads

    def known(self, channel_id: int) -> bool | None:
        """Return whether they may read it; None if Discord has to be asked."""
        if channel_id == self._channel_id:  # perhaps a private thread, whose members nobody knows
            return True
        if self._member is None:
            return False
        if (facts := self._facts(self._member, channel_id)) is not None:
            return self._reads_thread(self._member, facts)
        if (channel := self._member.guild.get_channel(channel_id)) is not None:
            return self._reads(self._member, channel)
        return False if self._threads.is_known(channel_id) else None

    async def ask(self, channel_id: int) -> bool:
        """Return whether they may read it; False too if Discord does not say."""
        if self._member is None:
            return False
        if self._facts(self._member, channel_id) is None:
            await self._threads.facts(self._client, channel_id)
        if (known := self.known(channel_id)) is not None:
            return known
        if self._facts(self._member, channel_id) is None:  # Discord did not say
            return False
        return await self._threads.is_member(self._client, channel_id, self._member.id)

    def _facts(self, member: discord.Member, channel_id: int) -> ThreadFacts | None:
        """Return what is known of a thread; None if it is none, or nothing is known."""
        active = member.guild.get_thread(channel_id)
        if active is None:
            return self._threads.kept(channel_id)
        return ThreadFacts(active.guild.id, active.parent_id, active.is_private())

    def _reads_thread(self, member: discord.Member, facts: ThreadFacts) -> bool | None:
        parent = member.guild.get_channel(facts.parent_id)
        if facts.guild_id != member.guild.id or parent is None or not self._reads(member, parent):
            return False
        if not facts.private or parent.permissions_for(member).manage_threads:
            return True
        return None

    def _reads(self, member: discord.Member, channel: discord.abc.GuildChannel) -> bool:
        return _sees(channel, member) and (self._in_restricted or not is_age_restricted(channel))


def _member_of(interaction: Interaction) -> discord.Member | None:
    """Return who uses it, as a member of the server that it counts for."""
    if (home := home_server(interaction)) is not None and home.member is not None:
        return home.member
    member = interaction.user
    return member if interaction.guild is not None and isinstance(member, discord.Member) else None


def _sees(channel: discord.abc.GuildChannel | discord.Thread, member: discord.Member) -> bool:
    try:
        can = channel.permissions_for(member)
    except discord.ClientException:  # a thread whose channel is not cached
        return False
    return can.view_channel and can.read_message_history
