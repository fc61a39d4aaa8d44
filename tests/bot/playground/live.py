"""The real bot in its own process, with the embedded model, and helpers to use it."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.pictures.filenames import job_id_of
from bot.playground.ideas import Ideas
from bot.playground.initial_world import MEMBER_ID, PAINT_ID
from bot.playground.interactions import Interaction, State
from bot.playground.model import Message
from bot.playground.people import ActingUser
from bot.playground.request_log import Exchange
from bot.playground.rest.routes import PREFIX
from bot.playground.standin_server import Playground, PlaygroundPlan, open_playground
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.playground.conftest import check_answers

WAIT_S = 120.0
"""Generous, for slow machines; Discord's own time limits are enforced by the stand-in."""


@dataclass(slots=True)
class LivePlayground:
    """A running playground, and the requests between it and the bot."""

    playground: Playground
    data_dir: Path
    exchanges: list[Exchange] = field(default_factory=list[Exchange])

    async def until(self, what: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
        """Wait until `what` returns something true, and return that."""
        try:
            async with asyncio.timeout(wait_s):
                while not (found := what()):
                    await asyncio.sleep(0.05)
                return found
        except TimeoutError:
            printed = "\n".join(self.playground.process.lines)
            raise AssertionError(f"timed out; the bot printed:\n{printed}") from None

    async def ready(self) -> None:
        """Wait until the bot is online and has registered its commands."""
        await self.until(
            lambda: (
                self.playground.standin.gateway.online
                and self.playground.standin.registry.all(None)
            )
        )

    async def restart(self) -> None:
        """Kill the bot, and wait until the next one is online and has its model.

        While the model's imports hold the interpreter, an answer can be late.
        """
        loads = self._loads()
        self.playground.process.kill()
        await self.until(lambda: not self.playground.standin.gateway.online)
        await self.ready()
        await self.until(lambda: self._loads() > loads)

    def _loads(self) -> int:
        return sum("model loaded" in line for line in self.playground.process.lines)

    def send(self, name: str, person: int = MEMBER_ID, **values: Any) -> Interaction:
        """Use a slash command as a user."""
        known = {each.name: each for each in self.playground.standin.registry.all(None)}
        root, *path = name.split()
        return self.playground.people.command(
            ActingUser(person), PAINT_ID, known[root].id, path, values
        )

    def press(self, message: Message, label: str, person: int = MEMBER_ID) -> Interaction:
        """Press a button as a user."""
        custom_id = next(
            part["custom_id"]
            for row in message.components
            for part in row.get("components", [])
            if part.get("label") == label
        )
        return self.playground.people.component(ActingUser(person), PAINT_ID, message.id, custom_id)

    def answer(self, interaction: Interaction) -> Message:
        """Return the message that responded to an interaction."""
        found = self.playground.standin.world.message(PAINT_ID, interaction.response_id or 0)
        assert found is not None
        return found

    def leads_to_picture(self, interaction: Interaction) -> bool:
        """Return whether the response shows a picture, or says which message does.

        A picture that took longer than routes.NOTIFY_AFTER comes as a new message.
        """
        answer = self.answer(interaction)
        shown = self.pictures()
        said = json.dumps([answer.content, answer.components])
        return answer in shown or any(f"/{m.channel_id}/{m.id}" in said for m in shown)

    def pictures(self) -> list[Message]:
        """Return the messages that show a finished picture, oldest first."""
        return [
            each
            for each in self.playground.standin.world.messages(PAINT_ID)
            if each.attachments and job_id_of(each.attachments[0].filename) is not None
        ]

    async def picture(self, number: int = 1, wait_s: float = WAIT_S) -> Message:
        """Wait for this number of pictures and return the newest."""
        return (await self.until(lambda: len(self.pictures()) >= number, wait_s)) and (
            self.pictures()[-1]
        )

    async def answered(self, *interactions: Interaction) -> None:
        """Wait until each has a response; a failed one fails the test."""
        await self.until(
            lambda: all(i.state in (State.ANSWERED, State.FAILED) for i in interactions)
        )
        failed = [i.name for i in interactions if i.state is not State.ANSWERED]
        assert not failed, failed

    def bytes_of(self, message: Message) -> bytes:
        """Return the picture that a message shows."""
        return self.playground.standin.world.files.path(message.attachments[0].id).read_bytes()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the bot's database from outside."""
        connection = sqlite3.connect(self.data_dir / "zimagine.db", timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def marked(self, custom_id: str) -> str:
        """Add the mark of the bot's database to a custom_id without one."""
        return f"{custom_id}:{self.rows('SELECT mark FROM database_mark')[0][0]}"

    async def settled(self) -> None:
        """Wait until no job and no delivery is open."""
        await self.until(
            lambda: (
                not self.rows("SELECT 1 FROM jobs WHERE finished_at IS NULL")
                and not self.rows("SELECT 1 FROM deliveries WHERE state = 'pending'")
            )
        )

    def charged(self) -> int:
        """Return how many pictures are charged and not refunded, for all users."""
        sql = "SELECT coalesce(sum(pictures), 0) FROM ledger WHERE refunded_at IS NULL"
        return self.rows(sql)[0][0]

    def check(self) -> None:
        """Check that no request broke a rule."""
        problems = self.playground.standin.log.problems
        assert not problems, problems

    def check_bodies(self) -> None:
        """Check every body of the bot and the stand-in against Discord's API description."""
        check_answers(self.exchanges)
        if DESCRIPTION.exists():
            api = ApiDescription()
            wrong = [
                problem
                for each in self.exchanges
                if each.request is not None
                for problem in api.problems(
                    each.method, each.path.removeprefix(PREFIX), each.request
                )
            ]
            assert not wrong, wrong


@asynccontextmanager
async def open_live(
    data_dir: Path,
    *,
    chat: Path | None = None,
    ideas: Ideas | None = None,
    config: Path = Path(os.devnull),
    change: Callable[[PlaygroundPlan], PlaygroundPlan] = lambda plan: plan,
    **settings: str,
) -> AsyncIterator[LivePlayground]:
    """Open a playground with an online bot that has loaded its model.

    Loaded, because its imports hold the interpreter for half a second at a time, several times over
    where other tests want the processors too, and Discord waits three for a response.
    chat: where the chat is kept. ideas: for newcomers. config: the configuration file. change: made
    to the plan before it is opened. settings: environment variables without prefix.
    """
    environment = {
        "ZIMAGINE_STORAGE__DATA_DIR": str(data_dir),
        "ZIMAGINE_QUOTA__PICTURES": "1000",
        "ZIMAGINE_DISCORD__GUILDS": "[]",
        **{f"ZIMAGINE_{name}": value for name, value in settings.items()},
    }
    arguments = ["run", "--config", str(config)]
    plan = PlaygroundPlan(arguments, environment, output=None, folder=chat, ideas=ideas)
    async with open_playground(change(plan)) as playground:
        live = LivePlayground(playground, data_dir)
        playground.standin.log.listen_exchanges(live.exchanges.append)
        await live.ready()
        await live.until(lambda: any("model loaded" in line for line in playground.process.lines))
        yield live
    live.check_bodies()


async def answer_text(live: LivePlayground, interaction: Interaction) -> str:
    """Return the text and ids of a response, once it is complete."""
    await live.answered(interaction)
    world = live.playground.standin.world

    def whole() -> str:
        message = world.message(PAINT_ID, interaction.response_id or 0)
        if message is None:
            return ""
        assert message.reader_id == interaction.user_id
        return message.content + (json.dumps(message.components) if message.components else "")

    return await live.until(whole)
