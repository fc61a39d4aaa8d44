"""The server for which an interaction in direct messages counts, kept on the interaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import discord

_KEY: Final = "home_server"


@dataclass(frozen=True, slots=True)
class HomeServer:
    """The server of the picture, job or question whose button was pressed in direct messages.

    name: "" if unknown. member: who pressed it, as a member of that server; None if that was not
    looked up or the server is not cached.
    """

    guild_id: int
    name: str = ""
    member: discord.Member | None = None


def set_home_server(interaction: discord.Interaction[discord.Client], server: HomeServer) -> None:
    """Let everything that handles this interaction act for this server."""
    interaction.extras[_KEY] = server


def home_server(interaction: discord.Interaction[discord.Client]) -> HomeServer | None:
    """Return the server that was set; None on a server, and in direct messages before that."""
    found = interaction.extras.get(_KEY)
    return found if isinstance(found, HomeServer) else None
