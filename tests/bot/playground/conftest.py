"""A stand-in on a real port, and a bot of plain requests that can make any mistake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.playground.initial_world import BOT_ID, MEMBER_ID, PAINT_ID
from bot.playground.interactions import Interaction
from bot.playground.people import ActingUser, People
from bot.playground.request_log import Exchange
from bot.playground.rest.routes import PREFIX
from bot.playground.standin_parts import StandIn
from bot.playground.standin_server import HOST, build_app, build_standin
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription

AGENT = "DiscordBot (https://example.org, 1.0)"
COMMAND = {
    "name": "paint",
    "description": "Paints",
    "options": [{"type": 3, "name": "prompt", "description": "What", "autocomplete": True}],
}
_DESCRIPTIONS: list[ApiDescription] = []


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response of the stand-in."""

    status: int
    json: Any
    headers: Any

    @property
    def code(self) -> int:
        """Discord's JSON error code, -1 if there is none."""
        return self.json.get("code", -1) if isinstance(self.json, dict) else -1


@dataclass(slots=True)
class StandInClient:
    """A listening stand-in, with requests to it as the bot and as users."""

    standin: StandIn
    people: People
    session: aiohttp.ClientSession
    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        files: dict[str, tuple[str, bytes]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> ApiResponse:
        """Send one request as the bot. files: field → name and bytes."""
        url = self.standin.base_url + PREFIX + path
        sent = {"Authorization": f"Bot {self.standin.token}", "User-Agent": AGENT}
        sent |= headers or {}
        if files is None:
            made = self.session.request(method, url, json=body, headers=sent)
        else:
            form = aiohttp.FormData()
            form.add_field("payload_json", json.dumps(body), content_type="application/json")
            for name, (filename, data) in files.items():
                form.add_field(name, data, filename=filename)
            made = self.session.request(method, url, data=form, headers=sent)
        async with made as answer:
            data = await answer.read()
            return ApiResponse(answer.status, json.loads(data) if data else None, answer.headers)

    async def post(self, body: Any, channel_id: int = PAINT_ID, **more: Any) -> ApiResponse:
        """Post a message to a channel."""
        return await self.call("POST", f"/channels/{channel_id}/messages", body, **more)

    async def register(self, *commands: Any) -> list[Any]:
        """Register global commands."""
        path = f"/applications/{BOT_ID}/commands"
        return (await self.call("PUT", path, list(commands or (COMMAND,)))).json

    async def command(self, **values: Any) -> Interaction:
        """Use the command /paint as a member."""
        registered = await self.register()
        return self.people.command(
            ActingUser(MEMBER_ID), PAINT_ID, int(registered[0]["id"]), [], values
        )

    async def answer(self, interaction: Interaction, body: Any, **more: Any) -> ApiResponse:
        """Respond to an interaction, and ask for the resulting message."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=1"
        return await self.call("POST", path, body, **more)

    @property
    def problems(self) -> list[str]:
        """The bot's mistakes in the log."""
        return self.standin.log.problems


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[StandInClient]:
    """A stand-in with its world; at the end, its responses are checked against Discord's API."""
    standin = build_standin(tmp_path / "files")
    runner = web.AppRunner(build_app(standin))
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    standin.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
    standin.gateway.url = f"ws://{HOST}:{runner.addresses[0][1]}/gateway"
    async with aiohttp.ClientSession() as session:
        client = StandInClient(standin, People(standin), session)
        standin.log.listen_exchanges(client.exchanges.append)
        yield client
    await standin.gateway.close()
    await runner.cleanup()
    check_answers(client.exchanges)


def check_answers(exchanges: list[Exchange]) -> None:
    """Check every response against Discord's API description, if that is available."""
    if not DESCRIPTION.exists():
        return
    if not _DESCRIPTIONS:
        _DESCRIPTIONS.append(ApiDescription())
    wrong = [
        problem
        for each in exchanges
        if each.status < 400
        for problem in _DESCRIPTIONS[0].answer_problems(
            each.method, each.path.removeprefix(PREFIX), each.status, each.answer
        )
    ]
    assert not wrong, wrong


class GatewayClient:
    """A bot's side of a gateway connection, operated by hand."""

    def __init__(self, client: StandInClient, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._client = client
        self.socket = socket
        self.sequence = 0
        self.ready: Any = None

    async def next(self, *, op: int | None = None, name: str | None = None) -> Any:
        """Return the next payload of this kind, skipping others."""
        async with asyncio.timeout(5):
            while True:
                payload = await self.socket.receive_json()
                self.sequence = payload.get("s") or self.sequence
                if op is not None and payload["op"] != op:
                    continue
                if name is not None and payload.get("t") != name:
                    continue
                return payload

    async def identify(self, **changes: Any) -> Any:
        """Identify, and wait until the guild has arrived."""
        data = {"token": self._client.standin.token, "intents": 1, "properties": {"os": "x"}}
        await self.socket.send_json({"op": 2, "d": data | changes})
        self.ready = (await self.next(name="READY"))["d"]
        return await self.next(name="GUILD_CREATE")

    async def closed(self) -> int | None:
        """Return the code with which the stand-in closes."""
        async with asyncio.timeout(5):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code


async def connect(client: StandInClient, query: str = "?v=10&encoding=json") -> GatewayClient:
    """Open a gateway connection and read HELLO."""
    socket = await client.session.ws_connect(client.standin.gateway.url + query)
    shard = GatewayClient(client, socket)
    hello = await socket.receive_json()
    assert hello["op"] == 10
    return shard
