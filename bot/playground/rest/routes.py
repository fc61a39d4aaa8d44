"""Every route of the REST API that the stand-in supports; all others are refused."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bot.playground import errors
from bot.playground.rate_limits import CALLBACK, MESSAGE, MESSAGES, WEBHOOK, WEBHOOK_MESSAGE
from bot.playground.rest import callbacks, commands, directory, messages, threads, webhooks
from bot.playground.rest.gate import Call, Gate, Handler, Reply
from bot.playground.standin_parts import StandIn

PREFIX: Final = "/api/v10"
_COMMANDS: Final = "/applications/{application_id}/commands"
_GUILD_COMMANDS: Final = "/applications/{application_id}/guilds/{guild_id}/commands"

ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/gateway", directory.gateway),
    ("GET", "/gateway/bot", directory.gateway_bot),
    ("GET", "/users/@me", directory.own_user),
    ("GET", "/users/@me/guilds", directory.own_guilds),
    ("POST", "/users/@me/channels", directory.private_channel),
    ("GET", "/users/{user_id}", directory.user),
    ("GET", "/applications/@me", directory.application),
    ("GET", "/oauth2/applications/@me", directory.application),
    ("GET", "/guilds/{guild_id}", directory.guild),
    ("GET", "/guilds/{guild_id}/channels", directory.guild_channels),
    ("GET", "/guilds/{guild_id}/roles", directory.guild_roles),
    ("GET", "/guilds/{guild_id}/members/{user_id}", directory.guild_member),
    ("GET", "/channels/{channel_id}", directory.channel),
    ("PATCH", "/channels/{channel_id}", directory.change_channel),
    ("GET", "/channels/{channel_id}/thread-members/{user_id}", threads.member),
    ("GET", MESSAGES, messages.read_many),
    ("POST", MESSAGES, messages.post),
    ("POST", "/channels/{channel_id}/typing", messages.typing),
    ("GET", MESSAGE, messages.read),
    ("PATCH", MESSAGE, messages.edit),
    ("DELETE", MESSAGE, messages.delete),
    ("POST", MESSAGE + "/threads", threads.open_under_message),
    ("POST", CALLBACK, callbacks.callback),
    ("POST", WEBHOOK, webhooks.follow_up),
    ("GET", WEBHOOK_MESSAGE, webhooks.read),
    ("PATCH", WEBHOOK_MESSAGE, webhooks.edit),
    ("DELETE", WEBHOOK_MESSAGE, webhooks.delete),
    *(
        route
        for base in (_COMMANDS, _GUILD_COMMANDS)
        for route in (
            ("GET", base, commands.read_all),
            ("PUT", base, commands.overwrite),
            ("POST", base, commands.create),
            ("GET", base + "/{command_id}", commands.read),
            ("PATCH", base + "/{command_id}", commands.change),
            ("DELETE", base + "/{command_id}", commands.delete),
        )
    ),
)
_PATTERNS: Final = {
    "token": r"[\w\-.]+",
    "user_id": r"\d{1,20}|@me",
    "message_id": r"\d{1,20}|@original",
}


def add_routes(app: web.Application, standin: StandIn) -> None:
    """Serve the API below PREFIX."""
    gate = Gate(standin)
    for method, template, handler in ROUTES:
        guarded = gate.guard(template, handler)
        app.router.add_route(method, PREFIX + _pattern(template), guarded)
    app.router.add_route("*", "/api/{rest:.*}", gate.guard("unknown", _unknown))


def _pattern(template: str) -> str:
    """Return the template with a pattern for each variable: ids are digits."""
    parts = []
    for part in template.split("/"):
        name = part[1:-1] if part.startswith("{") else None
        pattern = _PATTERNS.get(name or "", r"\d{1,20}")
        parts.append(part if name is None else f"{{{name}:{pattern}}}")
    return "/".join(parts)


async def _unknown(call: Call) -> Reply:
    call.problems.append("There is no such route.")
    raise errors.NOT_FOUND.error()
