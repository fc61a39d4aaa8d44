"""Whom a moderator may act against, by the server's order of roles."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import discord

from bot.accounts.rules.administration import OutOfReach
from bot.discord.interaction.responses import Interaction
from storage.access_rules import RuleScope, RuleSubject


async def is_out_of_reach(
    interaction: Interaction, user_id: int, known: discord.User | discord.Member | None = None
) -> bool:
    """Return whether a user is this bot, or a member whose rank is not below the moderator's.

    As in Discord itself, the server's owner is above everybody, and equal roles protect each other;
    somebody without any role is not protected. known: the user, if the interaction brought them.
    Raises discord.HTTPException if Discord does not say who the member is.
    """
    guild, moderator = interaction.guild, interaction.user
    if interaction.client.user is not None and user_id == interaction.client.user.id:
        return True
    if guild is None or not isinstance(moderator, discord.Member) or moderator.id == guild.owner_id:
        return False
    if user_id == guild.owner_id:
        return True
    member = known if isinstance(known, discord.Member) else await _member(guild, user_id)
    if member is None or member.top_role.is_default():
        return False
    return member.top_role >= moderator.top_role


def reach_of(interaction: Interaction) -> OutOfReach:
    """Return a function that names a member or role that a moderator may not act against."""
    return partial(_first_out_of_reach, interaction)


async def _first_out_of_reach(
    interaction: Interaction, subjects: Collection[RuleSubject]
) -> RuleSubject | None:
    """Return a role above the moderator's highest one, or a member as of `is_out_of_reach`."""
    guild, moderator = interaction.guild, interaction.user
    if guild is None or not isinstance(moderator, discord.Member) or moderator.id == guild.owner_id:
        return None
    for subject in subjects:
        if subject.scope is RuleScope.ROLE:
            role = guild.get_role(subject.id)
            if role is not None and role > moderator.top_role:
                return subject
        elif await is_out_of_reach(interaction, subject.id):
            return subject
    return None


async def _member(guild: discord.Guild, user_id: int) -> discord.Member | None:
    """Return a member of the server; None for somebody who has left it."""
    try:
        return guild.get_member(user_id) or await guild.fetch_member(user_id)
    except discord.NotFound:
        return None
