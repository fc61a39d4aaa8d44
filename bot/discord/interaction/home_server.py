"""The server for which an interaction in direct messages counts, kept on the interaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import discord

from bot.discord.views.markdown import quoted, small_print
from bot.i18n import words
from bot.request.outcomes import (
    Blocked,
    NoPictures,
    NotAllowed,
    QueueIsFull,
    QuotaSpent,
    Reason,
    UnknownJob,
    UnknownPicture,
)
from bot.request.reasons.limits import CostsMore, ServerQuotaSpent
from bot.request.reasons.loras import LoraClosed
from bot.request.reasons.models import ModelClosed
from bot.request.reasons.rules import BeyondRule, CooldownRunning, PaintingBlocked, PendingLimit
from engine.errors import Scope

SERVER_NAME_CHARS = 100
"""The longest name that Discord allows for a server."""
_KEY: Final = "home_server"
_OF_A_SERVER: Final = (
    Blocked,
    LoraClosed,
    ModelClosed,
    NoPictures,
    NotAllowed,
    QueueIsFull,
    QuotaSpent,
    CostsMore,
    ServerQuotaSpent,
    BeyondRule,
    CooldownRunning,
    PaintingBlocked,
    PendingLimit,
    UnknownJob,
    UnknownPicture,
)
"""Reasons whose sentences speak of "this server" or "here"."""

Interaction = discord.Interaction[discord.Client]


@dataclass(frozen=True, slots=True)
class HomeServer:
    """The server of the picture, job or question whose button was pressed in direct messages.

    name: "" if unknown. member: who pressed it, as a member of that server; None if that was not
    looked up or the server is not cached.
    """

    guild_id: int
    name: str = ""
    member: discord.Member | None = None


def set_home_server(interaction: Interaction, server: HomeServer) -> None:
    """Let everything that handles this interaction act for this server."""
    interaction.extras[_KEY] = server


def home_server(interaction: Interaction) -> HomeServer | None:
    """Return the server that was set; None on a server, and in direct messages before that."""
    found = interaction.extras.get(_KEY)
    return found if isinstance(found, HomeServer) else None


def about_server(interaction: Interaction, reason: Reason) -> str:
    """Return, in direct messages, a line that says which server a refusal means; else ""."""
    home = home_server(interaction)
    if home is None or not home.name or not isinstance(reason, _OF_A_SERVER):
        return ""
    if isinstance(reason, QueueIsFull) and reason.scope is not Scope.SERVER:
        return ""
    say = words(str(interaction.locale))
    name = quoted(home.name, SERVER_NAME_CHARS)
    return "\n" + small_print(say("This is about the server {name}.", name=name))
