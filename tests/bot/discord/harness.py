"""The real bot on simcord: the whole application with a scripted or real renderer, and no
network."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import discord
import simcord

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.runtime.app import Application, open_application
from bot.settings import Settings
from bot.settings import load as load_settings
from engine.diffusion.families import Family, family_for
from engine.renderer import RendererFactory
from engine.uploads import UploadTooLarge
from storage.database import FILE_NAME
from storage.opening import teach_search_now
from storage.timestamps import to_us
from tests.databases import place_new_database
from tests.fakes import FakeClock, ScriptedRenderer

WAIT_S = 60.0
OWNER_ID = 999


class BotHarness:
    """A server with a channel and members, and the application, which can be restarted."""

    def __init__(
        self,
        settings: Settings,
        load: RendererFactory,
        clock: FakeClock,
        family: Family | None = None,
    ) -> None:
        """family: None for that of the settings, as if its model knew every word."""
        self.settings = settings
        self.config: Path | None = None
        self.load = load
        configured = dataclasses.replace(family_for(settings.engine.model), vocabulary=None)
        self.family = family or configured
        self.clock = clock
        self.env: Any = None
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._app: Application | None = None
        self._stack = AsyncExitStack()

    @property
    def app(self) -> Application:
        """The running application."""
        assert self._app is not None
        return self._app

    @property
    def renderer(self) -> ScriptedRenderer:
        """The scripted renderer of this harness."""
        renderer = getattr(self.load, "__self__", None)
        assert isinstance(renderer, ScriptedRenderer)
        return renderer

    async def start(self) -> None:
        """Start the application and log its client in, for the first time or again."""
        app = await self._stack.enter_async_context(
            open_application(
                self.settings,
                load=self.load,
                family=self.family,
                clock=self.clock,
                fetch=self.fetch,
                config=self.config,
            )
        )
        self._app = app
        if self.env is None:
            self.env = simcord.Env(app.client, shard_count=1)
            await self.env.start()
            self._people()
        else:
            await self.env.restart_bot(app.client)
        app.start_online_tasks()

    async def fetch(self, url: str, limit_bytes: int) -> bytes:
        """Return a file of simulated Discord's CDN, once the gate is open."""
        self.fetched.append(url)
        await self.gate.wait()
        data = self.env.backend.cdn.get(url)
        if data is None:
            raise OSError("status 404")
        if len(data) > limit_bytes:
            raise UploadTooLarge(len(data), limit_bytes)
        return data

    async def stop(self) -> None:
        """Stop the application in order, as SIGTERM does."""
        await self._stack.aclose()

    async def crash(self) -> None:
        """Lose everything that is only in memory, as if the process had been killed."""
        await self.app.abandon()
        self.renderer.release()  # otherwise the engine would wait for a held step
        await self._stack.aclose()

    def forget_delivery(self) -> None:
        """Undo the record of a delivery, as if the process had been killed right after posting."""
        with closing(sqlite3.connect(self.settings.storage.data_dir / FILE_NAME)) as db:
            teach_search_now(db)  # triggers of what is changed call its functions
            db.execute(
                "UPDATE deliveries SET state = 'pending', settled_at = NULL, "
                "result_message_id = NULL, attempted_at = ?",
                (to_us(self.clock()),),
            )
            db.commit()

    def change(self, sql: str) -> None:
        """Write to the database from outside while no bot is running."""
        with closing(sqlite3.connect(self.settings.storage.data_dir / FILE_NAME)) as db:
            teach_search_now(db)
            db.execute(sql)
            db.commit()

    def _people(self) -> None:
        self.guild = self.env.create_guild()
        self.channel = self.guild.create_text_channel("painting")
        admins = self.guild.create_role("A", permissions=discord.Permissions(manage_guild=True))
        mods = self.guild.create_role("M", permissions=discord.Permissions(manage_messages=True))
        self.admin_role = admins
        join = self.guild.add_member
        self.alice = join(self.env.create_user("alice"))
        self.bob = join(self.env.create_user("bob"))
        self.admin = join(self.env.create_user("ada"), roles=[admins])
        self.moderator = join(self.env.create_user("mo"), roles=[mods])

    async def settled(self, job_id: int | None = None) -> None:
        """Wait until the result of this job (or of every job) has been delivered or kept."""
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
        """Query the database from outside."""
        path = self.settings.storage.data_dir / FILE_NAME
        connection = sqlite3.connect(path)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def charged(self) -> int:
        """Return the number of pictures charged and not refunded, over all members."""
        sql = "SELECT coalesce(sum(pictures), 0) FROM ledger WHERE refunded_at IS NULL"
        return self.rows(sql)[0][0]

    def texts(self, message: Any) -> str:
        """Return all text of a message: its content and its text displays."""
        found = [message.content]
        todo = [part if isinstance(part, dict) else part.to_dict() for part in message.components]
        while todo:
            part = todo.pop(0)
            found.append(part.get("content", ""))
            todo.extend(part.get("components", []))
        return "\n".join(text for text in found if text)

    async def more(self, who: Any, message: Any) -> Any:
        """Open the panel behind More of a message as this member."""
        return (await who.click(message, label="More ▾")).response.message

    async def delete(self, who: Any, message: Any) -> Any:
        """Delete a message's pictures as this member; return the panel, which says the outcome."""
        opened = await who.click(message, label="More ▾")
        panel = opened.response.message
        several = "Delete all" in str(panel.components)
        await who.click(panel, label="Delete all" if several else "Delete")
        await who.click(panel, label="Delete")  # the question is in its place
        return opened.response.message

    async def pick(
        self, who: Any, message: Any, action: ComponentAction, *values: Any, number: int = 0
    ) -> Any:
        """Choose values, or none, on a menu of a message."""
        return await who.select(message, values, custom_id=custom_id(action, number))

    def message_with_picture(self) -> Any:
        """Return the newest message that shows a picture."""
        return [each for each in self.channel.history() if each.attachments][-1]

    def message(self, message_id: int) -> Any:
        """Return a message of the channel by its id."""
        return next(each for each in self.channel.history() if each.id == message_id)


def make_settings(data_dir: Path, **sections: dict[str, Any]) -> Settings:
    """Return settings for a test."""
    basis: dict[str, dict[str, Any]] = {
        "storage": {"data_dir": data_dir},
        "discord": {"owners": [OWNER_ID], "welcome": False},
    }
    for name, values in sections.items():
        basis[name] = basis.get(name, {}) | values
    return Settings.model_validate(basis)


@asynccontextmanager
async def open_harness(
    data_dir: Path,
    load: RendererFactory,
    *,
    family: Family | None = None,
    config: Path | None = None,
    **sections: dict[str, Any],
) -> AsyncIterator[BotHarness]:
    """Run the bot; an error that it swallowed fails the test.

    config: the file to read the settings from, in place of `sections`.
    """
    place_new_database(data_dir / FILE_NAME)
    settings = make_settings(data_dir, **sections) if config is None else load_settings(config)
    harness = BotHarness(settings, load, FakeClock(), family)
    harness.config = config
    await harness.start()
    try:
        await harness.app.engine.ready()
        yield harness
    finally:
        await harness.env.shutdown()
        await harness.stop()
    harness.env.raise_errors()
