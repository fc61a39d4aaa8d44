"""/models, and /admin models: which models are open on a server or in a channel."""

from __future__ import annotations

from typing import Any

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import RuledChannel, model_choices
from bot.discord.handlers.models import show_models
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.request.outcomes import Refused
from bot.request.values.loras import split_last
from bot.wording.models import open_models

Names = Range[str, 1, 1000]

_ON_SERVER = locale_str("Names with commas; all: what the owner offers; none")
_IN_CHANNEL = locale_str("Names with commas; all: as on the server; none")


def models_command(services: Services) -> app_commands.Command[Any, ..., None]:
    """Return /models, bound to these services."""

    @app_commands.command(description=locale_str("See the models that paint here"))
    async def models(interaction: Interaction) -> None:
        await show_models(interaction, services)

    return models


def admin_models(services: Services) -> app_commands.Group:
    """Return the group /admin models, bound to these services."""
    models = app_commands.Group(name="models", description=locale_str("Which models are open"))

    @models.command(
        name="server", description=locale_str("Show or choose the models that are open here")
    )
    @app_commands.describe(names=_ON_SERVER)
    async def server(interaction: Interaction, names: Names | None = None) -> None:
        await _choose(interaction, services, names, None)

    @models.command(
        name="channel",
        description=locale_str("Show or choose what models a channel has"),
    )
    @app_commands.describe(channel=locale_str("The channel (default: this one)"), names=_IN_CHANNEL)
    async def channel_(
        interaction: Interaction, names: Names | None = None, channel: RuledChannel | None = None
    ) -> None:
        actor = actor_of(interaction)
        here = actor.channel_id if actor.parent_id is None else actor.parent_id
        await _choose(interaction, services, names, here if channel is None else channel.id)

    async def suggest(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        head, typed = split_last(current)
        found = services.model_access.to_choose_from(actor_of(interaction), typed)
        return model_choices(found, head)

    server.autocomplete("names")(suggest)
    channel_.autocomplete("names")(suggest)
    return models


async def _choose(
    interaction: Interaction, services: Services, names: str | None, channel_id: int | None
) -> None:
    outcome = await services.model_access.choose(actor_of(interaction), names, channel_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(interaction, open_models(outcome, words_of(interaction)))
