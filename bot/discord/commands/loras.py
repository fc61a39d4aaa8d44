"""/admin loras: which LoRAs are open on a server or in a channel."""

from __future__ import annotations

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import RuledChannel, lora_choices
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
from bot.wording.loras import open_loras

Names = Range[str, 1, 4000]

_ON_SERVER = locale_str("Names with commas; all: those the owner offers; none")
_IN_CHANNEL = locale_str("Names with commas; all: those of the server; none")


def admin_loras(services: Services) -> app_commands.Group:
    """Return the group /admin loras, bound to these services."""
    loras = app_commands.Group(name="loras", description=locale_str("Which LoRAs are open"))

    @loras.command(
        name="server", description=locale_str("Show or choose the LoRAs that are open here")
    )
    @app_commands.describe(names=_ON_SERVER)
    async def server(interaction: Interaction, names: Names | None = None) -> None:
        await _choose(interaction, services, names, None)

    @loras.command(
        name="channel",
        description=locale_str("Show or choose what LoRAs a channel has"),
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
        found = await services.lora_access.to_choose_from(actor_of(interaction), typed)
        return lora_choices(head, found)

    server.autocomplete("names")(suggest)
    channel_.autocomplete("names")(suggest)
    return loras


async def _choose(
    interaction: Interaction, services: Services, names: str | None, channel_id: int | None
) -> None:
    outcome = await services.lora_access.choose(actor_of(interaction), names, channel_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
    else:
        await reply_privately(interaction, open_loras(outcome, words_of(interaction)))
