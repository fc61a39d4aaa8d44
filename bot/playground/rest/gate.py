"""The checks that every REST request passes: faults, authorization, rate limits, body, log."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import BodyPartReader, web

from bot.playground import errors
from bot.playground.errors import ApiError, nest
from bot.playground.faults import Fault
from bot.playground.message_builder import Body, FilePart
from bot.playground.rate_limits import RateLimitResult
from bot.playground.request_log import Exchange
from bot.playground.standin_parts import StandIn

MAX_REQUEST_BYTES: Final = 25 * 2**20
_USER_AGENT: Final = re.compile(r"DiscordBot \(\S+,? \S+\)")
_BY_TOKEN: Final = ("/interactions/", "/webhooks/")
"""Routes whose path contains a token, so that they need no authorization."""
_VIA: Final = "1.1 playground"
"""discord.py takes a 429 without this header for a ban by Cloudflare."""


@dataclass(slots=True)
class Call:
    """One request on its way to its handler. problems: collected for the log.

    size: of the body, in bytes.
    """

    standin: StandIn
    request: web.Request
    body: Body
    size: int = 0
    problems: list[str] = field(default_factory=list[str])

    def number(self, name: str) -> int:
        """Return an id from the path. Raises ApiError if there is none."""
        value = self.request.match_info[name]
        if not value.isdecimal():
            raise errors.INVALID_FORM_BODY.error(
                nest([((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')])
            )
        return int(value)

    def text(self, name: str) -> str:
        """Return a string from the path."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True)
class Reply:
    """The response of a handler. json None means no body."""

    status: int = 200
    json: Any = None


Handler = Callable[[Call], Awaitable[Reply]]


class Gate:
    """Wraps handlers for aiohttp."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def guard(self, template: str, handler: Handler) -> Callable[[web.Request], Any]:
        """Return an aiohttp handler for one route. template: the path with variable names."""

        async def guarded(request: web.Request) -> web.Response:
            return await self._pass(request, template, handler)

        return guarded

    async def _pass(self, request: web.Request, template: str, handler: Handler) -> web.Response:
        standin = self._standin
        start_s, at_ms = time.perf_counter(), int(time.time() * 1000)
        call = Call(standin, request, Body({}))
        verdict = standin.limits.check(request.method, template, _place(request))
        fault = standin.faults.fault_for(request.method, request.path)
        async with standin.turns.request():
            reply, refusal = await self._carry_out(call, handler, verdict, fault)
            await standin.turns.wait_turn()
        response = _answer(reply)
        _add_headers(response, verdict, fault if response.status == 429 else None)
        path = _without_token(request)
        standin.log.add(
            at_ms=at_ms,
            method=request.method,
            path=path,
            status=response.status,
            ms=(time.perf_counter() - start_s) * 1000,
            size=call.size,
            problems=call.problems,
            refusal=refusal,
            about=standin.interactions.name_by_token(request.match_info.get("token", "")),
        )
        sent = call.body.json if call.size else None
        standin.log.record_exchange(
            Exchange(request.method, request.path, sent, response.status, reply.json)
        )
        return response

    async def _carry_out(
        self, call: Call, handler: Handler, verdict: RateLimitResult, fault: Fault | None
    ) -> tuple[Reply, str]:
        """Return the response, and the log's description of a refusal."""
        unreadable: ApiError | None = None
        body, size = Body({}), 0
        try:
            # Read before the delay: what was sent arrives, even if its bot has died by then.
            body, size = await _read(call.request)
        except ApiError as error:
            unreadable = error
        await asyncio.sleep(self._standin.faults.delay_s(fault))
        try:
            _refuse_early(call, verdict, fault)
            if unreadable is not None:
                raise unreadable
            call.body, call.size = body, size
            _check_kind(call.request, body.json)
            reply = await handler(call)
            if fault is Fault.LOST_ANSWER:
                raise ApiError(502, 0, "502: Bad Gateway")
        except ApiError as error:
            waiting = _waiting(verdict, fault) if error.status == 429 else {}
            return Reply(error.status, error.body() | waiting), _describe(error)
        return reply, ""


def _refuse_early(call: Call, verdict: RateLimitResult, fault: Fault | None) -> None:
    """Refuse what can be refused without reading the body. Raises ApiError."""
    request, standin = call.request, call.standin
    if fault is Fault.SERVER_ERROR:
        raise ApiError(503, 0, "503: Service Unavailable")
    if verdict.early:
        call.problems.append("It was sent before the wait that a 429 demanded was over.")
    if verdict.retry_after_s is not None or fault is Fault.RATE_LIMIT:
        raise ApiError(429, 0, "You are being rate limited.")
    path = request.path.partition("/api/v10")[2]
    if path.startswith(_BY_TOKEN) or path == "/gateway":
        return
    if not _USER_AGENT.match(request.headers.get("User-Agent", "")):
        call.problems.append("The User-Agent does not have the form DiscordBot (url, version).")
    if request.headers.get("Authorization") != f"Bot {standin.token}":
        call.problems.append("The Authorization header is not the bot's.")
        raise errors.UNAUTHORIZED.error()


def _check_kind(request: web.Request, json: Any) -> None:
    """Require an object, or a list for commands. Raises ApiError."""
    wanted = list if request.method == "PUT" else dict
    empty = request.method == "PUT" and json is None
    if request.method != "GET" and not empty and not isinstance(json, wanted):
        kind = "list" if wanted is list else "dictionary"
        raise errors.INVALID_FORM_BODY.error(
            nest([((), "MODEL_TYPE_CONVERT", f"Only a {kind} can be used here")])
        )


async def _read(request: web.Request) -> tuple[Body, int]:
    """Return the body and its size in bytes. Raises ApiError."""
    if request.content_length is not None and request.content_length > MAX_REQUEST_BYTES:
        raise errors.ENTITY_TOO_LARGE.error()
    if request.content_type.startswith("multipart/"):
        return await _read_parts(request)
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise errors.ENTITY_TOO_LARGE.error() from None
    if not data:
        return Body({}), 0
    if request.content_type != "application/json":
        raise errors.INVALID_FORM_BODY.error()
    return Body(_parsed(data)), len(data)


async def _read_parts(request: web.Request) -> tuple[Body, int]:
    payload: Any = {}
    parts: list[FilePart] = []
    size = 0
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise errors.INVALID_FORM_BODY.error()
            data = bytes(await part.read())
            size += len(data)
            if size > MAX_REQUEST_BYTES:
                raise errors.ENTITY_TOO_LARGE.error()
            if part.filename is None:
                if part.name == "payload_json":
                    payload = _parsed(data)
                continue
            content_type = part.headers.get("Content-Type", "application/octet-stream")
            parts.append(FilePart(str(part.name), part.filename, content_type, data))
    except ValueError:
        raise errors.INVALID_FORM_BODY.error() from None
    return Body(payload, parts), size


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise errors.INVALID_JSON.error() from None


def _place(request: web.Request) -> str:
    """Return the resource that a route is limited by: its channel, guild or webhook token."""
    for name in ("channel_id", "guild_id", "token"):
        if name in request.match_info:
            return request.match_info[name]
    return ""


def _answer(reply: Reply) -> web.Response:
    if reply.json is None:
        return web.Response(status=reply.status)
    response = web.Response(status=reply.status, body=json.dumps(reply.json).encode())
    # Exactly this value: with a charset appended, discord.py reads text instead of JSON.
    response.headers["Content-Type"] = "application/json"
    return response


def _describe(error: ApiError) -> str:
    """Describe a refusal in one line: code, message, and where the first problem is."""
    line = f"{error.code} {error.message}"
    path: list[str] = []
    node: Any = error.errors
    while isinstance(node, dict) and "_errors" not in node and node:
        name, node = next(iter(node.items()))
        path.append(name)
    if not isinstance(node, dict) or not node.get("_errors"):
        return line
    where = ".".join(path)
    return f"{line}: {where + ': ' if where else ''}{node['_errors'][0]['message']}"


def _waiting(verdict: RateLimitResult, fault: Fault | None) -> dict[str, Any]:
    wait_s = 0.3 if fault is Fault.RATE_LIMIT else (verdict.retry_after_s or 0.3)
    return {"retry_after": round(wait_s, 3), "global": verdict.is_global}


def _add_headers(response: web.Response, verdict: RateLimitResult, fault: Fault | None) -> None:
    response.headers["Via"] = _VIA
    response.headers["X-RateLimit-Limit"] = str(verdict.limit)
    response.headers["X-RateLimit-Remaining"] = str(verdict.remaining)
    response.headers["X-RateLimit-Reset"] = f"{time.time() + verdict.reset_after_s:.3f}"
    response.headers["X-RateLimit-Reset-After"] = f"{verdict.reset_after_s:.3f}"
    response.headers["X-RateLimit-Bucket"] = verdict.bucket
    if response.status == 429:
        waiting = _waiting(verdict, fault)
        response.headers["Retry-After"] = f"{waiting['retry_after']:.3f}"
        response.headers["X-RateLimit-Scope"] = "global" if verdict.is_global else "user"
        if verdict.is_global:
            response.headers["X-RateLimit-Global"] = "true"


def _without_token(request: web.Request) -> str:
    """Return the path for the log, with any token shortened."""
    path = request.path.removeprefix("/api/v10")
    token = request.match_info.get("token")
    return path.replace(token, token[:6] + "…") if token else path
