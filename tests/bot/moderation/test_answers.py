"""What moderators wrote is sent to reporters once each, whatever fails on Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.delivery.cards import ReporterCard
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from bot.moderation.answers import AnswerSender
from storage.database import Database
from storage.report_messages import MessageState, ReportMessages
from storage.reports import Reports
from storage.types import Report
from tests.bot.moderation_harness import BOB, MO, ModerationHarness
from tests.fakes import DIRECT, Call, FakeClock, FakeMessenger, Lost, until


class AnswerHarness:
    """A sender over a real database and a fake messenger."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.world = ModerationHarness(db, folder)
        self.messenger = FakeMessenger()
        self.messages, self.reports = ReportMessages(db, FakeClock()), Reports(db, FakeClock())
        self.settled: list[int] = []
        self.slept: list[float] = []
        self.sender = self.restart()

    def restart(self) -> AnswerSender:
        """Create the sender of the next process."""

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.sleep(0)

        self.sender = AnswerSender(
            messenger=self.messenger,
            messages=self.messages,
            settled=self.settled.append,
            sleep=sleep,
        )
        return self.sender

    async def written(self) -> int:
        """Return the id of an answer to Bob that waits to be sent."""
        picture_id = await self.world.painted()
        report = await self.reports.file(picture_id, BOB.user_id, None, "zh-CN")
        assert isinstance(report, Report)
        (message_id,) = await self.messages.answer(picture_id, MO.user_id, "Which part?")
        return message_id

    async def run(self) -> None:
        """Run the sender until it is idle, then cancel it."""
        task = asyncio.create_task(self.sender.run())
        await until(lambda: not self.sender.busy)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def state(self, message_id: int) -> MessageState:
        """Return what became of a message."""
        message = await self.messages.get(message_id)
        assert message is not None
        return message.state


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[AnswerHarness]:
    """An empty database."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield AnswerHarness(db, tmp_path / "data")


async def test_the_next_process_sends_what_waits(harness: AnswerHarness):
    """One direct message in the reporter's language, and the card is told."""
    message_id = await harness.written()
    await harness.run()
    ((address, card, _),) = harness.messenger.posts
    assert (address.channel_id, address.locale) == (DIRECT + BOB.user_id, "zh-CN")
    assert isinstance(card, ReporterCard) and card.server == "Painters"
    assert await harness.state(message_id) is MessageState.DELIVERED
    assert harness.settled == [card.message.picture_id]
    harness.restart()
    await harness.run()
    assert len(harness.messenger.posts) == 1


async def test_an_outage_delays_it(harness: AnswerHarness):
    """It is tried again until Discord answers."""
    message_id = await harness.written()
    harness.messenger.faults += [TemporaryFailure("503")] * 3
    await harness.run()
    assert await harness.state(message_id) is MessageState.DELIVERED
    assert len(harness.messenger.posts) == 1 and len(harness.slept) == 3


async def test_one_that_arrived_is_found(harness: AnswerHarness):
    """A post whose answer was lost is not repeated, even after minutes."""
    message_id = await harness.written()
    harness.messenger.faults += [None, Lost("cut off")]
    forget = harness.messenger.forget_nonces
    harness.messenger.rule = lambda call: forget() if call.what == "post" else None
    await harness.run()
    assert await harness.state(message_id) is MessageState.DELIVERED
    assert len(harness.messenger.posts) == 1


def refused(call: Call) -> Exception | None:
    """Refuse every direct message."""
    return Undeliverable(Obstacle.FORBIDDEN, "50007") if call.what == "post" else None


async def test_who_cannot_be_reached(harness: AnswerHarness):
    """A reporter who takes no direct messages and one who left are told apart, at once."""
    harness.messenger.rule = refused
    first = await harness.written()
    await harness.run()
    assert await harness.state(first) is MessageState.REFUSED
    harness.messenger.left.add(BOB.user_id)
    second = await harness.written()
    harness.restart()
    await harness.run()
    assert await harness.state(second) is MessageState.LEFT
    assert harness.messenger.posts == [] and harness.slept == []


async def test_the_outcome_is_waited_for(harness: AnswerHarness):
    """Whoever wrote learns soon what became of it, or that it is still on its way."""
    message_id = await harness.written()
    waiting = (MessageState.WAITING,)
    assert await harness.sender.outcome([message_id], 0.0) == waiting
    asked = asyncio.create_task(harness.sender.outcome([message_id], 30.0))
    await asyncio.sleep(0)
    await harness.run()
    assert await asked == (MessageState.DELIVERED,)
    assert await harness.sender.outcome([999], 30.0) == ()
