"""The /owner commands, which are registered on one server alone and answer the bot's owners."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.delivery.cards import ANNOUNCEMENT_CHARS
from bot.discord.commands.options import CHOICES, cut
from bot.discord.handlers import owner as handlers
from bot.discord.interaction.responses import Interaction, reply_outcome
from bot.discord.interaction.services import Services
from bot.wording import operation


def owner_commands(services: Services) -> app_commands.Group:
    """Return the /owner group, bound to these services."""
    owner = app_commands.Group(
        name="owner", description=locale_str("For the owners of this bot"), guild_only=True
    )

    @owner.command(description=locale_str("See how I am: engine, memory, queue, speed, errors"))
    async def status(interaction: Interaction) -> None:
        await handlers.show_overview(interaction, services)

    @owner.command(description=locale_str("Stop painting after the present picture; requests wait"))
    async def pause(interaction: Interaction) -> None:
        outcome = await services.operation.pause(interaction.user.id)
        await reply_outcome(interaction, outcome, operation.paused)

    @owner.command(description=locale_str("Paint and accept requests again"))
    async def resume(interaction: Interaction) -> None:
        outcome = await services.operation.resume(interaction.user.id)
        await reply_outcome(interaction, outcome, operation.resumed)

    @owner.command(description=locale_str("Accept no new requests, and paint what waits"))
    async def drain(interaction: Interaction) -> None:
        await handlers.ask_drain(interaction, services)

    @owner.command(description=locale_str("Load a model again that failed to load"))
    async def retry(interaction: Interaction) -> None:
        await handlers.move_model(interaction, services, None)

    @owner.command(description=locale_str("Take up a changed configuration file"))
    async def reload(interaction: Interaction) -> None:
        await handlers.reload_settings(interaction, services)

    @owner.command(description=locale_str("Give the memory of the model back"))
    async def unload(interaction: Interaction) -> None:
        await handlers.ask_unload(interaction, services)

    if services.models.several:
        _add_model(owner, services)
    _add_announce(owner, services)
    _add_diagnose(owner, services)
    return owner


def _add_model(owner: app_commands.Group, services: Services) -> None:
    @owner.command(description=locale_str("Load another model now; waiting jobs are kept"))
    @app_commands.describe(name=locale_str("The model"))
    async def model(interaction: Interaction, name: Range[str, 1, 100]) -> None:
        await handlers.move_model(interaction, services, name)

    @model.autocomplete("name")
    async def suggest(interaction: Interaction, current: str) -> list[Choice[str]]:
        if await services.operation.refusal(interaction.user.id) is not None:
            return []
        found = services.operation.matching(current)
        return [Choice(name=cut(each), value=each) for each in found][:CHOICES]


def _add_announce(owner: app_commands.Group, services: Services) -> None:
    @owner.command(description=locale_str("Post on every server that wants announcements"))
    @app_commands.describe(text=locale_str("What is posted; you are asked before it is"))
    async def announce(interaction: Interaction, text: Range[str, 1, ANNOUNCEMENT_CHARS]) -> None:
        await handlers.ask_announcement(interaction, services, text)


def _add_diagnose(owner: app_commands.Group, services: Services) -> None:
    @owner.command(description=locale_str("See why somebody cannot paint"))
    @app_commands.describe(
        user=locale_str("Who"), server=locale_str("Where (default: on this server)")
    )
    async def diagnose(
        interaction: Interaction, user: discord.User, server: Range[str, 1, 100] | None = None
    ) -> None:
        await handlers.diagnose(interaction, services, user.id, server)

    @diagnose.autocomplete("server")
    async def suggest(interaction: Interaction, current: str) -> list[Choice[str]]:
        if await services.operation.refusal(interaction.user.id) is not None:
            return []
        typed = current.casefold()
        guilds = sorted(interaction.client.guilds, key=lambda each: each.name.casefold())
        found = [each for each in guilds if typed in each.name.casefold() or typed in str(each.id)]
        return [Choice(name=cut(each.name), value=str(each.id)) for each in found[:CHOICES]]
