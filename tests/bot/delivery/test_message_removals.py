"""Messages that show what was erased are deleted, however often Discord fails, or given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.delivery.message_removals import ARRIVING, GIVE_UP_AFTER, MessageRemover
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from storage.database import Database
from storage.erasure.messages import MessageRemovals
from storage.timestamps import to_us
from tests.databases import place_new_database
from tests.fakes import DIRECT, FakeClock, FakeMessenger

INSERT = (
    "INSERT INTO message_removals "
    "(guild_id, channel_id, message_id, user_id, job_id, since, reply_token, asked_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


class Removals:
    """The remover over a database and a messenger that a test plans faults for."""

    def __init__(self, db: Database) -> None:
        self.db, self.clock, self.messenger = db, FakeClock(), FakeMessenger()
        self.waits: list[float] = []
        self.remover = self.restarted()

    def restarted(self) -> MessageRemover:
        """Return the remover of the next process."""
        return MessageRemover(
            self.messenger, MessageRemovals(self.db), self.clock, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def ask(self, message_id: int | None, **values: object) -> None:
        row = {"guild_id": 10, "channel_id": 20, "user_id": None, "job_id": None}
        row |= {"since": None, "reply_token": None} | values
        async with self.db.transaction() as transaction:
            await transaction.execute(
                INSERT,
                (
                    row["guild_id"],
                    row["channel_id"],
                    message_id,
                    *(row[name] for name in ("user_id", "job_id", "since", "reply_token")),
                    to_us(self.clock()),
                ),
            )

    async def left(self) -> int:
        return len(await self.db.fetch_all("SELECT 1 FROM message_removals"))

    async def finish(self) -> None:
        """Run until nothing is left to do."""
        task = asyncio.create_task(self.remover.run())
        try:
            async with asyncio.timeout(30):
                while not self.remover.idle:
                    assert not task.done()
                    await asyncio.sleep(0.01)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def removals(tmp_path: Path) -> AsyncIterator[Removals]:
    place_new_database(tmp_path / "data" / "zimagine.db")
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield Removals(db)


async def test_each_is_deleted_once(removals: Removals) -> None:
    """In their order, and nothing is left to be done."""
    for message_id in range(1, 251):
        await removals.ask(message_id)
    await removals.finish()
    assert removals.messenger.deleted == list(range(1, 251))
    assert await removals.left() == 0 and removals.waits == []


async def test_trouble_passes(removals: Removals) -> None:
    """While Discord is in trouble it waits, longer each time; the others do not wait for one."""
    for message_id in (1, 2, 3):
        await removals.ask(message_id)
    down = TemporaryFailure("503")
    removals.messenger.faults = [down, None, None, down, down]
    await removals.finish()
    assert removals.messenger.deleted == [2, 3, 1]
    assert removals.waits == [5.0, 15.0, 60.0]


async def test_a_restart_goes_on(removals: Removals) -> None:
    """What one process did not delete, the next one does."""
    await removals.ask(1)
    await removals.ask(2)
    removals.messenger.faults = [None, *[TemporaryFailure("down")] * 10_000]
    task = asyncio.create_task(removals.remover.run())
    while len(removals.waits) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await removals.left() == 1
    removals.messenger.faults = []
    removals.remover = removals.restarted()
    await removals.finish()
    assert removals.messenger.deleted == [1, 2]


@pytest.mark.parametrize("obstacle", list(Obstacle))
async def test_what_cannot_be_deleted_is_given_up(removals: Removals, obstacle: Obstacle) -> None:
    """A message that is gone or out of reach is not tried again, and the next one is deleted."""
    await removals.ask(1)
    await removals.ask(2)
    removals.messenger.faults = [Undeliverable(obstacle, "no")]
    await removals.finish()
    assert removals.messenger.deleted == [2] and await removals.left() == 0


async def test_a_week_of_trouble_is_enough(removals: Removals) -> None:
    """After a week nothing is tried any more."""
    await removals.ask(1)
    removals.clock.advance(seconds=(GIVE_UP_AFTER + timedelta(hours=1)).total_seconds())
    removals.messenger.faults = [TemporaryFailure("down")]
    await removals.finish()
    assert removals.messenger.deleted == [] and await removals.left() == 0


async def test_direct_messages(removals: Removals) -> None:
    """Where only the person is known, their direct messages are asked for."""
    await removals.ask(1, guild_id=0, channel_id=None, user_id=30)
    await removals.ask(
        None, guild_id=0, channel_id=None, user_id=30, job_id=7, since=to_us(removals.clock())
    )
    await removals.finish()
    assert removals.messenger.deleted == [1]
    (call,) = {each.address.channel_id for each in removals.messenger.calls}
    assert call == DIRECT + 30


async def test_what_was_being_posted_is_waited_for(removals: Removals) -> None:
    """A message that may still arrive is looked for until it cannot any more."""
    await removals.ask(None, job_id=7, since=to_us(removals.clock()))
    await removals.finish()
    assert len(removals.messenger.calls) > 2
    assert sum(removals.waits) > ARRIVING.total_seconds()
    assert await removals.left() == 0


async def test_the_token_comes_first(removals: Removals) -> None:
    """While an interaction's token lives it deletes; where it fails, the bot's own account does."""
    await removals.ask(1, reply_token="token", since=to_us(removals.clock()))
    removals.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "unknown webhook")]
    await removals.finish()
    assert removals.messenger.deleted == [1] and await removals.left() == 0
