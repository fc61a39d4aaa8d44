"""The real bot on simcord: the whole house, a scripted or the real painter, no network."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from bot.runtime.app import Application, open_application
from bot.settings import Settings
from engine.renderer import RendererFactory
from engine.uploads import UploadTooLarge
from storage.database import FILE_NAME
from storage.timestamps import to_us
from tests.databases import place_new_database
from tests.fakes import FakeClock, ScriptedRenderer

WAIT_S = 60.0
OWNER_ID = 999


class BotHarness:
    """A server with a channel and people, and the house behind the bot, which can restart."""

    def __init__(self, settings: Settings, load: RendererFactory, clock: FakeClock) -> None:
        self.settings = settings
        self.load = load
        self.clock = clock
        self.env: Any = None
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._app: Application | None = None
        self._stack = AsyncExitStack()

    @property
    def app(self) -> Application:
        """The one that is running."""
        assert self._app is not None
        return self._app

    async def start(self) -> None:
        """Open the house and log its client in, for the first time or again."""
        app = await self._stack.enter_async_context(
            open_application(self.settings, load=self.load, clock=self.clock, fetch=self.fetch)
        )
        self._app = app
        if self.env is None:
            self.env = simcord.Env(app.client, shard_count=1)
            await self.env.start()
            self._people()
        else:
            await self.env.restart_bot(app.client)
        app.start_delivery()

    async def fetch(self, url: str, limit_bytes: int) -> bytes:
        """What lies at an address of simulated Discord, once the gate is open."""
        self.fetched.append(url)
        await self.gate.wait()
        data = self.env.backend.cdn.get(url)
        if data is None:
            raise OSError("status 404")
        if len(data) > limit_bytes:
            raise UploadTooLarge(len(data), limit_bytes)
        return data

    async def stop(self) -> None:
        """Close the house in order, as SIGTERM does."""
        await self._stack.aclose()

    async def crash(self) -> None:
        """Lose everything that is only in memory, without a word to the database."""
        app = self.app
        completion, delivery = app.completion, app.services.delivery
        for task in [*app.tasks, *completion._tasks, *delivery._running.values()]:
            task.cancel()
        completion._begin = lambda _: None  # type: ignore[method-assign]
        renderer = getattr(self.load, "__self__", None)
        with renderer.killed() if isinstance(renderer, ScriptedRenderer) else nullcontext():
            await self._stack.aclose()

    def forget_delivery(self) -> None:
        """As if the process had been killed right after a post, before it was written down."""
        with closing(sqlite3.connect(self.settings.storage.data_dir / FILE_NAME)) as db:
            db.execute(
                "UPDATE deliveries SET state = 'pending', settled_at = NULL, "
                "result_message_id = NULL, attempted_at = ?",
                (to_us(self.clock()),),
            )
            db.commit()

    def change(self, sql: str) -> None:
        """Write to the database from outside, while no bot runs."""
        with closing(sqlite3.connect(self.settings.storage.data_dir / FILE_NAME)) as db:
            db.execute(sql)
            db.commit()

    def _people(self) -> None:
        self.guild = self.env.create_guild()
        self.channel = self.guild.create_text_channel("painting")
        admins = self.guild.create_role("A", permissions=discord.Permissions(manage_guild=True))
        mods = self.guild.create_role("M", permissions=discord.Permissions(manage_messages=True))
        join = self.guild.add_member
        self.alice = join(self.env.create_user("alice"))
        self.bob = join(self.env.create_user("bob"))
        self.admin = join(self.env.create_user("ada"), roles=[admins])
        self.moderator = join(self.env.create_user("mo"), roles=[mods])

    async def settled(self, job_id: int | None = None) -> None:
        """Wait until this job's (or every) result has reached Discord, or is kept."""
        which = "" if job_id is None else f" AND job_id = {job_id}"
        async with asyncio.timeout(WAIT_S):
            while self.rows(f"SELECT 1 FROM deliveries WHERE state = 'pending'{which}"):
                await asyncio.sleep(0.01)
            while job_id is None and self.app.services.delivery.busy:
                await asyncio.sleep(0.01)
        await self.env.settle()

    async def state(self, job_id: int, wanted: str) -> None:
        """Wait until the job is in this state."""
        async with asyncio.timeout(WAIT_S):
            while self.rows("SELECT state FROM jobs WHERE id = ?", job_id) != [(wanted,)]:
                await asyncio.sleep(0.01)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What is in the database, seen from outside."""
        path = self.settings.storage.data_dir / FILE_NAME
        connection = sqlite3.connect(path)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def charged(self) -> int:
        """Pictures that are charged and not refunded, of everyone."""
        sql = "SELECT coalesce(sum(pictures), 0) FROM ledger WHERE refunded_at IS NULL"
        return self.rows(sql)[0][0]

    def texts(self, message: Any) -> str:
        """All the words of a message: content and text displays."""
        found = [message.content]
        todo = [part if isinstance(part, dict) else part.to_dict() for part in message.components]
        while todo:
            part = todo.pop(0)
            found.append(part.get("content", ""))
            todo.extend(part.get("components", []))
        return "\n".join(text for text in found if text)

    async def more(self, who: Any, message: Any) -> Any:
        """The panel behind More of a message, as it is shown to this person."""
        return (await who.click(message, label="More ▾")).response.message

    def message_with_picture(self) -> Any:
        """The newest message that shows a picture."""
        return [each for each in self.channel.history() if each.attachments][-1]

    def message(self, message_id: int) -> Any:
        """A message of the channel by its id."""
        return next(each for each in self.channel.history() if each.id == message_id)


def make_settings(data_dir: Path, **sections: dict[str, Any]) -> Settings:
    """Settings as a test wants them."""
    basis: dict[str, dict[str, Any]] = {
        "storage": {"data_dir": data_dir},
        "discord": {"owners": [OWNER_ID]},
    }
    for name, values in sections.items():
        basis[name] = basis.get(name, {}) | values
    return Settings.model_validate(basis)


@asynccontextmanager
async def open_harness(
    data_dir: Path, load: RendererFactory, **sections: dict[str, Any]
) -> AsyncIterator[BotHarness]:
    """A running world; an error that the bot swallowed fails the test."""
    place_new_database(data_dir / FILE_NAME)
    harness = BotHarness(make_settings(data_dir, **sections), load, FakeClock())
    await harness.start()
    try:
        await harness.app.engine.ready()
        yield harness
    finally:
        await harness.env.shutdown()
        await harness.stop()
    harness.env.raise_errors()


@pytest.fixture
def renderer() -> ScriptedRenderer:
    """Paints at once, unless a test holds it."""
    return ScriptedRenderer()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty place for a data folder."""
    return tmp_path / "data"


@pytest.fixture
async def harness(data_dir: Path, renderer: ScriptedRenderer) -> AsyncIterator[BotHarness]:
    """The house with the scripted painter and default settings."""
    async with open_harness(data_dir, renderer.load) as harness:
        yield harness
        renderer.release()
