"""/admin audit, log, status, pause, resume, cancel and setup. Permissions are checked again."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.handlers import administration as handlers
from bot.discord.handlers import log_channels, setup
from bot.discord.interaction.responses import Interaction
from bot.discord.interaction.services import Services
from bot.wording.log_channels import EVENTS
from storage.log_entries import LogEvent
from storage.types import REASON_LIMIT_CHARS

ReasonText = Range[str, 1, REASON_LIMIT_CHARS]
AdminCommand = app_commands.Command[Any, ..., None] | app_commands.Group


def administration_commands(services: Services) -> list[AdminCommand]:
    """Return these parts of /admin, bound to these services."""
    return [
        _audit(services),
        _log(services),
        _status(services),
        *_pauses(services),
        _cancel(services),
        _setup(services),
    ]


def _audit(services: Services) -> AdminCommand:
    @app_commands.command(description=locale_str("See what admins and moderators did here"))
    @app_commands.describe(who=locale_str("Only what this member did, or what was done to them"))
    async def audit(interaction: Interaction, who: discord.User | None = None) -> None:
        await handlers.show_audit(interaction, services, None if who is None else who.id)

    return audit


def _log(services: Services) -> AdminCommand:
    @app_commands.command(name="log", description=locale_str("Choose where events are posted"))
    @app_commands.describe(
        event=locale_str("What is posted"),
        channel=locale_str("The channel (default: see and change what is chosen)"),
    )
    @app_commands.choices(
        event=[Choice(name=locale_str(name), value=each.value) for each, name in EVENTS.items()]
    )
    async def log(
        interaction: Interaction,
        event: str | None = None,
        channel: discord.TextChannel | None = None,
    ) -> None:
        chosen = next((each for each in LogEvent if each == event), None)
        await log_channels.answer(interaction, services, chosen, channel)

    return log


def _status(services: Services) -> AdminCommand:
    @app_commands.command(description=locale_str("See how I am doing on this server"))
    async def status(interaction: Interaction) -> None:
        await handlers.show_status(interaction, services)

    return status


def _pauses(services: Services) -> list[AdminCommand]:
    @app_commands.command(description=locale_str("Refuse requests on this server for now"))
    @app_commands.describe(reason=locale_str("The reason, which members see when they ask"))
    async def pause(interaction: Interaction, reason: ReasonText = "") -> None:
        await handlers.pause(interaction, services, reason)

    @app_commands.command(description=locale_str("Accept requests on this server again"))
    async def resume(interaction: Interaction) -> None:
        await handlers.resume(interaction, services)

    return [pause, resume]


def _cancel(services: Services) -> AdminCommand:
    cancel = app_commands.Group(name="cancel", description=locale_str("Cancel waiting jobs"))

    @cancel.command(description=locale_str("Cancel all jobs of a member that wait"))
    @app_commands.describe(who=locale_str("The member; also somebody who has left"))
    async def user(interaction: Interaction, who: discord.User) -> None:
        await handlers.ask_cancelling(interaction, services, who)

    @cancel.command(name="all", description=locale_str("Cancel all jobs of this server that wait"))
    async def all_(interaction: Interaction) -> None:
        await handlers.ask_cancelling(interaction, services, None)

    return cancel


def _setup(services: Services) -> AdminCommand:
    @app_commands.command(name="setup", description=locale_str("Choose what matters first here"))
    async def setup_(interaction: Interaction) -> None:
        await setup.show(interaction, services)

    return setup_
