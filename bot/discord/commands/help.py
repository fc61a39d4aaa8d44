"""The commands /help and /status. Their replies are ephemeral."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.interaction.responses import Interaction, reply_layout_privately, words_of
from bot.discord.interaction.services import Services
from bot.discord.views.help import CommandEntry, help_layout, status_layout
from bot.i18n import Words
from bot.request.knowledge import known_names
from bot.wording.knowledge import prompt_ideas
from bot.wording.names import command_link

MemberCommand = app_commands.Command[Any, ..., None] | app_commands.Group
Registered = Callable[[], Sequence[MemberCommand]]
"""Returns the members' commands."""


def help_commands(
    services: Services, registered: Registered
) -> list[app_commands.Command[Any, ..., None]]:
    """Return /help and /status, bound to these services."""
    return [_help(services, registered), _status(services)]


def _help(services: Services, registered: Registered) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        name="help", description=locale_str("See what I can do and how to use me")
    )
    async def help_(interaction: Interaction) -> None:
        say = words_of(interaction)
        entries = [_entry(command, say) for command in registered()]
        known = known_names(services.models.default.family, str(interaction.locale))
        await reply_layout_privately(
            interaction,
            help_layout(entries, say, known, prompt_ideas(services.models.default.family, say)),
        )

    return help_


def _entry(command: MemberCommand, say: Words) -> CommandEntry:
    link = command_link(runnable_name(command), say)
    return CommandEntry(command.name, link, say(command.description))


def runnable_name(command: MemberCommand) -> str:
    """Return what a link to a command runs: of a group its first command."""
    if isinstance(command, app_commands.Group):
        return f"{command.name} {command.commands[0].name}"
    return command.name


def _status(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("See whether I am ready, which model I use and how fast it is")
    )
    async def status(interaction: Interaction) -> None:
        known = known_names(services.models.default.family, str(interaction.locale))
        view = status_layout(await services.status.current(), words_of(interaction), known)
        await reply_layout_privately(interaction, view)

    return status
