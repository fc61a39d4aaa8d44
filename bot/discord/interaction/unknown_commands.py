"""Commands that the bot does not have: of an earlier program, or remembered by an old client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.discord.interaction.responses import Interaction, reply_privately, words_of
from bot.wording.names import command_link

log = structlog.get_logger(__name__)

_SUBCOMMANDS = (
    discord.AppCommandOptionType.subcommand.value,
    discord.AppCommandOptionType.subcommand_group.value,
)


class CommandProblem(StrEnum):
    """Why a command cannot be carried out as it was sent."""

    UNKNOWN = "unknown"
    CHANGED = "changed"


def problem_of(
    tree: app_commands.CommandTree[Any], data: Mapping[str, Any], *, whole: bool
) -> CommandProblem | None:
    """Return why the tree cannot carry out a command as Discord sent it; None if it can.

    whole: False while the command is still being typed and autocompleted.
    """
    kind = discord.utils.get(discord.AppCommandType, value=int(data.get("type", 1)))
    name = str(data.get("name", ""))
    command = None if kind is None else _command(tree, data, name, kind)
    options: Sequence[Mapping[str, Any]] = data.get("options") or ()
    while isinstance(command, app_commands.Group):
        chosen = next((each for each in options if each.get("type") in _SUBCOMMANDS), None)
        if chosen is None:
            return CommandProblem.CHANGED
        command = command.get_command(str(chosen["name"]))
        options = chosen.get("options") or ()
    if command is None:
        return CommandProblem.UNKNOWN
    if isinstance(command, app_commands.ContextMenu):
        return None
    return None if _fits(command, options, whole=whole) else CommandProblem.CHANGED


def _command(
    tree: app_commands.CommandTree[Any],
    data: Mapping[str, Any],
    name: str,
    kind: discord.AppCommandType,
) -> app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu | None:
    """Return a command of all servers, or of the one for which Discord says it is registered."""
    if (guild_id := data.get("guild_id")) is not None:
        server = discord.Object(int(guild_id))
        if (found := tree.get_command(name, guild=server, type=kind)) is not None:
            return found
    return tree.get_command(name, type=kind)


def _fits(
    command: app_commands.Command[Any, ..., Any],
    options: Sequence[Mapping[str, Any]],
    *,
    whole: bool,
) -> bool:
    known = {each.display_name: each for each in command.parameters}
    sent = {str(each["name"]): each.get("type") for each in options}
    if any(name not in known or known[name].type.value != kind for name, kind in sent.items()):
        return False
    return not whole or all(name in sent for name, each in known.items() if each.required)


async def reject_command(interaction: Interaction, problem: CommandProblem) -> None:
    """Reply why the command does nothing, or suggest nothing for it."""
    name = str((interaction.data or {}).get("name", ""))
    log.info("command not known", problem=problem.value, name=name, server=interaction.guild_id)
    if interaction.type is discord.InteractionType.autocomplete:
        await interaction.response.autocomplete([])
        return
    say = words_of(interaction)
    match problem:
        case CommandProblem.UNKNOWN:
            text = say(
                "I do not have this command; it may be left over from an earlier bot or an earlier "
                "version of me. {help} shows what I can do.",
                help=command_link("help", say),
            )
        case CommandProblem.CHANGED:
            text = say(
                "This command has changed since your Discord app loaded it. Please restart the "
                "app and try again; {help} shows what I can do.",
                help=command_link("help", say),
            )
    await reply_privately(interaction, text)
