"""The language of the server that an interaction comes from."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import discord

from bot.accounts.server_languages import ServerLanguages


@runtime_checkable
class KnowsLanguages(Protocol):
    """A client that knows the languages that admins chose."""

    @property
    def languages(self) -> ServerLanguages:
        """The choices; read at each interaction, so that one holds from the next message on."""
        ...


def server_locale(interaction: discord.Interaction[discord.Client]) -> str:
    """Return the language for everybody who reads an answer: its reader's in direct messages."""
    said = str(interaction.guild_locale or interaction.locale)
    client = interaction.client
    if interaction.guild_id is None or not isinstance(client, KnowsLanguages):
        return said
    return client.languages.of(interaction.guild_id, said)
