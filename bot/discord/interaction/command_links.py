"""Words whose sentences link to the bot's commands, as far as a client knows their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import discord

from bot.i18n import Words, words


@runtime_checkable
class KnowsCommands(Protocol):
    """A client that knows which ids its commands have."""

    @property
    def command_ids(self) -> Mapping[str, int]:
        """The ids as `Words.linking` takes them; empty until the commands are registered."""
        ...


def linking_words(client: discord.Client, guild_id: int | None, locale: str) -> Words:
    """Return the Words of a Discord locale for what this client sends to a server.

    In direct messages (None or 0) no command can be run, so nothing links to one.
    """
    say = words(locale)
    if not guild_id or not isinstance(client, KnowsCommands):
        return say
    return say.linking(client.command_ids)


def words_for(interaction: discord.Interaction[discord.Client], locale: str) -> Words:
    """Return the Words of a Discord locale for an answer to this interaction."""
    return linking_words(interaction.client, interaction.guild_id, locale)
