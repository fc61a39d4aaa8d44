"""Application commands, global and per guild."""

from __future__ import annotations

from typing import Any

from bot.playground import errors
from bot.playground.registry import Command
from bot.playground.rest.finding import check_application, the_guild
from bot.playground.rest.gate import Call, Reply
from bot.playground.rules.commands import check_command, check_commands
from bot.playground.rules.fields import COMMAND, unknown_fields


def _scope(call: Call) -> int | None:
    """Return the guild in the path, None for global commands. Raises ApiError."""
    check_application(call)
    return the_guild(call).id if "guild_id" in call.request.match_info else None


def _command(call: Call) -> Command:
    scope = _scope(call)
    command = call.standin.registry.get(call.number("command_id"))
    if command is None or command.guild_id != scope:
        raise errors.UNKNOWN_COMMAND.error()
    return command


def _shape(call: Call, command: Command) -> dict[str, Any]:
    return command.to_json(call.standin.bot.id)


def _shapes(call: Call, commands: list[Command]) -> list[dict[str, Any]]:
    return [_shape(call, command) for command in commands]


async def read_all(call: Call) -> Reply:
    """GET …/commands"""
    return Reply(200, _shapes(call, call.standin.registry.all(_scope(call))))


async def overwrite(call: Call) -> Reply:
    """PUT …/commands"""
    scope = _scope(call)
    check_commands(call.body.json)
    bodies = call.body.json or []
    for body in bodies:
        call.problems += unknown_fields(body, COMMAND)
    kept = call.standin.registry.overwrite(scope, bodies)
    call.standin.commands_changed()
    return Reply(200, _shapes(call, kept))


async def create(call: Call) -> Reply:
    """POST …/commands"""
    scope = _scope(call)
    body = call.body.json
    check_command(body)
    call.problems += unknown_fields(body, COMMAND)
    known = {(c.name, c.type) for c in call.standin.registry.all(scope)}
    command = call.standin.registry.upsert(scope, body)
    call.standin.commands_changed()
    status = 200 if (command.name, command.type) in known else 201
    return Reply(status, _shape(call, command))


async def read(call: Call) -> Reply:
    """GET …/commands/{command_id}"""
    return Reply(200, _shape(call, _command(call)))


async def change(call: Call) -> Reply:
    """PATCH …/commands/{command_id}"""
    command = _command(call)
    body = call.body.json
    call.problems += unknown_fields(body, COMMAND)
    check_command(dict(command.body) | dict(body))
    changed = call.standin.registry.change(command, body)
    call.standin.commands_changed()
    return Reply(200, _shape(call, changed))


async def delete(call: Call) -> Reply:
    """DELETE …/commands/{command_id}"""
    call.standin.registry.remove(_command(call))
    call.standin.commands_changed()
    return Reply(204)
