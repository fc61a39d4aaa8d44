"""The channels and roles that refusals by rules name."""

from __future__ import annotations

import dataclasses
from typing import Final

import discord

from bot.discord.interaction.home_server import home_server
from bot.request.outcomes import Refused
from bot.request.reasons.loras import LoraClosed
from bot.request.reasons.models import ModelClosed
from bot.request.reasons.rules import (
    BeyondRule,
    CooldownRunning,
    HigherRole,
    LocksOut,
    NoSuchRule,
    PaintingBlocked,
    PendingLimit,
)

NAMING_SUBJECTS: Final = (
    BeyondRule,
    CooldownRunning,
    HigherRole,
    LocksOut,
    LoraClosed,
    ModelClosed,
    NoSuchRule,
    PaintingBlocked,
    PendingLimit,
)
"""Reasons whose sentences mention roles, members and channels, and no text that somebody typed but
for names of models and LoRAs, as inline code."""

Interaction = discord.Interaction[discord.Client]


def naming_visible(interaction: Interaction, refused: Refused) -> Refused:
    """Return a refusal without those other channels that the reader cannot see."""
    reason = refused.reason
    if not isinstance(reason, PaintingBlocked | BeyondRule) or not reason.channels:
        return refused
    home = home_server(interaction)
    member = interaction.user if home is None else home.member
    guild = member.guild if isinstance(member, discord.Member) else None
    seen: list[int] = []
    for each in reason.channels:
        channel = None if guild is None else guild.get_channel(each)
        if (
            channel is not None
            and isinstance(member, discord.Member)
            and channel.permissions_for(member).view_channel
        ):
            seen.append(each)
    return dataclasses.replace(refused, reason=dataclasses.replace(reason, channels=tuple(seen)))
