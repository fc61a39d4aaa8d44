"""Stopping: from every state of the connection to Discord, the bot ends in time and in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import discord.gateway
import discord.http
import pytest
import yarl

from bot.exit_codes import OK, RESTART, UNAVAILABLE
from bot.playground.faults import Fault
from bot.playground.gateway import GatewayMode
from bot.playground.initial_world import MEMBER_ID, PAINT_ID
from bot.playground.people import ActingUser
from bot.playground.rest.routes import PREFIX
from bot.runtime import app as application
from bot.runtime.shutdown import SAME_SIGNAL_S, request_stop
from bot.settings import load
from engine.errors import Cancelled, Defunct, ModelUnavailable
from engine.renderer import Outcome, RenderTask
from engine.types import Progress
from storage.lock import DataFolderLock
from tests.bot.playground.conftest import StandInClient
from tests.bot.playground.live import open_live
from tests.databases import place_new_database
from tests.fakes import ScriptedRenderer, until

LIMIT_S = 10.0
"""The promise: the process ends within this time after the engine has drained."""


class BreakableRenderer(ScriptedRenderer):
    """A renderer that is loaded, and breaks, when the test says so, and paints without end."""

    def __init__(self) -> None:
        super().__init__()
        self.may_load = threading.Event()
        self.painting = threading.Event()
        self.broken = False

    def load(self) -> ScriptedRenderer:
        """Wait for the test, then load or fail."""
        assert self.may_load.wait(60)
        if self.broken:
            raise ModelUnavailable("fake", "its files are gone")
        return self

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Progress], None]
    ) -> list[Outcome]:
        """Paint until the picture is cancelled or the device breaks."""
        self.painting.set()
        while not self.broken:
            if batch[0].cancel.wait(0.02):
                return [Cancelled("cancelled while painting") for _ in batch]
        return [Defunct("the device is lost") for _ in batch]


@dataclass(slots=True)
class RunningBot:
    """The whole bot in this process, with the stand-in over real sockets."""

    client: StandInClient
    renderer: BreakableRenderer
    task: asyncio.Task[int]
    explanations: list[str]

    @property
    def online(self) -> bool:
        """Whether the bot is connected and identified."""
        return self.client.standin.gateway.online

    async def paint(self) -> None:
        """Bring the bot online and begin a picture."""
        self.renderer.may_load.set()
        await until(lambda: self.online and self.client.standin.registry.all(None))
        command = next(
            each for each in self.client.standin.registry.all(None) if each.name == "imagine"
        )
        self.client.people.command(
            ActingUser(MEMBER_ID), PAINT_ID, command.id, [], {"prompt": "a red boat"}
        )
        await until(self.renderer.painting.is_set)


State = Callable[[RunningBot], Awaitable[None]]


async def rest_refused(bot: RunningBot) -> None:
    """The REST API refuses every connection, so the login is retried."""
    await asyncio.sleep(0.3)


async def rest_silent(bot: RunningBot) -> None:
    """The REST API takes the connection and says nothing, so the login waits."""
    await asyncio.sleep(0.3)


def never_online(mode: GatewayMode) -> State:
    """The gateway is in this mode from the start, so the first shard never comes up."""

    async def state(bot: RunningBot) -> None:
        bot.client.standin.gateway.set_mode(mode)
        await until(lambda: bot.client.standin.registry.all(None))
        await asyncio.sleep(0.3)
        assert not bot.online

    state.__name__ = f"never_online_{mode}"
    return state


async def online(bot: RunningBot) -> None:
    """The bot is connected and paints."""
    await bot.paint()


def lost(mode: GatewayMode, *, invalid: bool) -> State:
    """The session is invalidated, or the socket cut, and the gateway is in this mode."""

    async def state(bot: RunningBot) -> None:
        await bot.paint()
        gateway = bot.client.standin.gateway
        before = gateway.identified
        gateway.invalidate() if invalid else gateway.drop_sockets()
        # Older sockets are silenced a moment later, so that the news of the end gets through.
        await asyncio.sleep(0.1)
        gateway.set_mode(mode)
        await asyncio.sleep(1.0)  # discord.py is reconnecting by now, or waits before it does
        assert mode is GatewayMode.SERVING or gateway.identified == before

    state.__name__ = f"{'invalidated' if invalid else 'cut'}_then_{mode}"
    return state


async def asked_to_reconnect(bot: RunningBot) -> None:
    """Discord asks for a reconnect, and the new connection is silent."""
    await bot.paint()
    bot.client.standin.gateway.ask_reconnect()
    await asyncio.sleep(0.1)
    bot.client.standin.gateway.set_mode(GatewayMode.SILENT)
    await asyncio.sleep(1.0)


async def silent_while_online(bot: RunningBot) -> None:
    """The existing socket hangs: nothing is read from it, not even the end of the connection."""
    await bot.paint()
    bot.client.standin.gateway.set_mode(GatewayMode.SILENT)


async def server_errors_while_online(bot: RunningBot) -> None:
    """The REST API answers some requests with errors while the gateway is down."""
    await bot.paint()
    bot.client.standin.faults.inject(Fault.SERVER_ERROR)
    bot.client.standin.gateway.set_mode(GatewayMode.REFUSING)
    await asyncio.sleep(1.0)


STATES: list[State] = [
    rest_refused,
    rest_silent,
    *(never_online(mode) for mode in GatewayMode if mode is not GatewayMode.SERVING),
    online,
    *(lost(mode, invalid=True) for mode in GatewayMode),
    *(lost(mode, invalid=False) for mode in GatewayMode),
    asked_to_reconnect,
    silent_while_online,
    server_errors_while_online,
]


@asynccontextmanager
async def api_address(client: StandInClient, state: State) -> AsyncIterator[str]:
    """Yield the address of the REST API: the stand-in's, a closed port, or one that is silent."""
    if state is rest_silent:
        server = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
        server.close()
        return
    if state is rest_refused:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{taken.getsockname()[1]}/api"
        return
    yield client.standin.base_url + PREFIX


@asynccontextmanager
async def running(
    client: StandInClient, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningBot]:
    """Run the bot in this process until the test stops it."""
    place_new_database(tmp_path / "zimagine.db")
    monkeypatch.setenv("DISCORD_TOKEN", client.standin.token)
    renderer = BreakableRenderer()
    monkeypatch.setattr(application, "diffusion_factory", lambda *_: renderer.load)
    settings = load(Path(os.devnull), storage={"data_dir": tmp_path}, engine={"drain_s": 0.0})
    async with api_address(client, state) as api:
        monkeypatch.setattr(discord.http.Route, "BASE", api)
        monkeypatch.setattr(
            discord.gateway.DiscordWebSocket,
            "DEFAULT_GATEWAY",
            yarl.URL(client.standin.gateway.url),
        )
        explanations: list[str] = []
        task = asyncio.create_task(application.serve(settings, explanations.append))
        try:
            yield RunningBot(client, renderer, task, explanations)
        finally:
            client.standin.gateway.set_mode(GatewayMode.SERVING)
            renderer.may_load.set()
            task.cancel()
            await asyncio.wait({task}, timeout=LIMIT_S)


async def ended(bot: RunningBot, tmp_path: Path) -> int:
    """Return the exit code, once the bot has ended in time and left its data folder."""
    done, _ = await asyncio.wait({bot.task}, timeout=LIMIT_S)
    assert done, "the bot goes on"
    lock = DataFolderLock(tmp_path)
    lock.acquire()
    lock.release()
    tasks = [repr(task) for task in asyncio.all_tasks()]
    assert not any("stay_connected" in task for task in tasks), "the connection goes on"
    return bot.task.result()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_sigterm_ends_it(
    state: State, client: StandInClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SIGTERM the bot ends with 0 within ten seconds, and nothing of discord.py goes on."""
    async with running(client, state, tmp_path, monkeypatch) as bot:
        await state(bot)
        began_s = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await ended(bot, tmp_path) == OK
        assert time.monotonic() - began_s < LIMIT_S
        assert not bot.explanations


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_a_failure_of_the_engine_ends_it(
    state: State, client: StandInClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the engine fails, the bot ends in time with a sentence and the failure's exit code."""
    async with running(client, state, tmp_path, monkeypatch) as bot:
        await state(bot)
        bot.renderer.broken = True
        painting = bot.renderer.painting.is_set()
        bot.renderer.may_load.set()
        assert await ended(bot, tmp_path) == (RESTART if painting else UNAVAILABLE)
        (sentence,) = bot.explanations
        assert "the device is lost" in sentence if painting else "its files are gone" in sentence


async def test_the_process_ends_while_it_reconnects(tmp_path: Path) -> None:
    """The real process, whose session was invalidated by a gateway that hangs, exits with 0."""
    async with open_live(tmp_path, ENGINE__DRAIN_S="1") as live:
        process, gateway = live.playground.process, live.playground.standin.gateway
        gateway.invalidate()
        await live.until(lambda: not gateway.online)
        gateway.set_mode(GatewayMode.SILENT)
        await asyncio.sleep(1.0)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.gave_up.wait(), LIMIT_S)
        assert process.exit_code == OK


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """One signal lets the picture finish; another one ends the process without waiting for it."""
    async with open_live(tmp_path) as live:
        process = live.playground.process
        live.send("imagine", prompt="a slow balloon --steps 50 --count 4")
        await live.until(lambda: live.rows("SELECT 1 FROM jobs WHERE state = 'painting'"))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        await live.until(lambda: any("stopping" in line for line in process.lines))
        await asyncio.sleep(SAME_SIGNAL_S)
        os.kill(process.pid, signal.SIGTERM)
        await asyncio.wait_for(process.gave_up.wait(), 2.0)
        assert process.exit_code == -signal.SIGTERM
        assert live.rows("SELECT 1 FROM jobs WHERE state = 'painting'")  # for the next start


async def test_the_end_of_its_input_stops_it(tmp_path: Path) -> None:
    """Where no signal can be sent (Windows), the bot is restarted and stopped through its input."""
    async with open_live(tmp_path) as live:
        process = live.playground.process
        process.stop_by_input = True
        first = process.pid
        process.restart()
        await live.until(lambda: process.pid not in (None, first))
        await live.ready()
        await asyncio.wait_for(process.stop(), LIMIT_S)
        assert process.exit_code == OK
        assert any("stopping" in line for line in process.lines)


async def test_a_request_stops_it(tmp_path: Path) -> None:
    """Where `zimagine stop` asks for it, the bot ends in order, and the request is gone."""
    async with open_live(tmp_path) as live:
        request_stop(tmp_path)
        await asyncio.wait_for(live.playground.process.gave_up.wait(), LIMIT_S)
        assert live.playground.process.exit_code == OK
        assert not (tmp_path / "zimagine.stop").exists()
