"""The board edits seldom, within one budget, and the newest state wins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.cards import PaintingCard, WaitingCard
from bot.messenger import Address, Obstacle, TryLater, Undeliverable
from bot.progress import BUDGET_S, PER_MESSAGE_S, WAITING_S, Board
from engine.job import Job, JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import ImageRequest
from tests.fakes import EPOCH, FakeMessenger, ScriptedRenderer

REQUEST = ImageRequest("a lake", "a lake", "", 5, 128, 128, 8, 1.0)


class Hall:
    """An engine with a held painter, and a board whose time a test moves."""

    def __init__(self) -> None:
        self.painter = ScriptedRenderer()
        self.painter.hold()
        self.engine = Engine(self.painter.load, bounds=Bounds(queue=100))
        self.messenger = FakeMessenger()
        self.now_s = 0.0
        self.board = Board(
            self.messenger,
            self.engine,
            now_s=lambda: self.now_s,
            clock=self._clock,
            sleep=self._sleep,
        )
        self._ticks = asyncio.Semaphore(0)

    def _clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    async def _sleep(self, seconds: float) -> None:
        assert seconds == BUDGET_S
        await self._ticks.acquire()

    async def ask(self, number: int) -> Job:
        """A job whose status message has its number."""
        slot = self.engine.reserve(number, 1)
        job = self.engine.submit(slot, JobSpec(number, REQUEST))
        ahead = (self.engine.queue.position(number) or 0) + 1
        self.board.show(
            job, Address(1, 2, number), WaitingCard(number, REQUEST, number, ahead, None)
        )
        await asyncio.sleep(0.02)
        return job

    async def tick(self, seconds: float) -> None:
        """Let time pass and the board act once."""
        self.now_s += seconds
        self._ticks.release()
        await asyncio.sleep(0.02)

    async def step(self, job: Job, count: int) -> None:
        """Let the painter make steps, and wait until they are known."""
        before = job.latest.step if job.latest else 0
        self.painter.step(count)
        async with asyncio.timeout(5):
            while job.latest is None or job.latest.step < before + count:
                await asyncio.sleep(0.005)


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    """A hall that is open."""
    hall = Hall()
    hall.engine.start()
    await hall.engine.ready()
    runner = asyncio.create_task(hall.board.run())
    yield hall
    runner.cancel()
    hall.painter.release()
    await hall.engine.drain()


async def test_a_message_is_edited_at_most_every_three_seconds(hall: Hall):
    """Eight quick steps make one edit, with the newest of them."""
    job = await hall.ask(1)
    await hall.step(job, 2)
    await hall.tick(1)
    assert hall.messenger.messages == {}
    await hall.step(job, 3)
    await hall.tick(PER_MESSAGE_S)
    await hall.tick(0.1)
    (card,) = hall.messenger.messages[1]
    assert isinstance(card, PaintingCard) and (card.step, card.steps) == (5, 8)


async def test_no_change_no_edit(hall: Hall):
    """A painter that makes no step causes no edit, however long it takes."""
    job = await hall.ask(1)
    await hall.step(job, 1)
    for _ in range(5):
        await hall.tick(PER_MESSAGE_S)
    assert len(hall.messenger.messages[1]) == 1


async def test_one_edit_per_tick_for_all_messages_together(hall: Hall):
    """Fifty waiting people cost one edit per tick, and the painting one comes first."""
    first = await hall.ask(1)
    for number in range(2, 12):
        await hall.ask(number)
    await hall.step(first, 1)
    hall.painter.step(7)
    await asyncio.sleep(0.1)  # the first is done, the second is on the GPU
    await hall.tick(WAITING_S)
    assert sum(map(len, hall.messenger.messages.values())) == 1
    await hall.tick(0.1)
    assert sum(map(len, hall.messenger.messages.values())) == 2
    assert all(isinstance(card, PaintingCard) for card in hall.messenger.messages.get(2, []))


async def test_the_place_in_the_queue_is_corrected_after_thirty_seconds(hall: Hall):
    """Who waits sees a new place when it changed, at most every 30 seconds."""
    await hall.ask(1)
    await hall.ask(2)
    job = await hall.ask(3)
    hall.painter.step(8)
    await asyncio.sleep(0.1)
    await hall.tick(WAITING_S - 1)
    assert 3 not in hall.messenger.messages
    for _ in range(4):
        await hall.tick(1)
    card = hall.messenger.messages[3][-1]
    assert isinstance(card, WaitingCard) and card.ahead == 1 and job.latest is None


async def test_a_retired_message_is_never_edited_again(hall: Hall):
    """After `retire` the result may be shown: no late progress writes over it."""
    job = await hall.ask(1)
    await hall.step(job, 1)
    await hall.board.retire(1)
    for _ in range(3):
        await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {}


async def test_a_message_that_is_gone_is_left_alone(hall: Hall):
    """Once Discord says no for good, the board stops trying."""
    job = await hall.ask(1)
    hall.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "10008")]
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {} and hall.messenger.faults == []


async def test_trouble_at_discord_costs_one_edit_only(hall: Hall):
    """After a passing fault the next state is shown as if nothing had been."""
    job = await hall.ask(1)
    hall.messenger.faults = [TryLater("503")]
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    (card,) = hall.messenger.messages[1]
    assert isinstance(card, PaintingCard) and card.step == 2


async def test_an_expected_time_is_corrected_only_when_it_is_far_off(hall: Hall):
    """Off by less than a quarter of the wait it is left alone; by more, it is corrected."""
    for number in range(1, 42):
        await hall.ask(number)
    hall.engine.estimator.record(REQUEST, 10.0)
    await hall.tick(WAITING_S)
    for _ in range(60):
        await hall.tick(0.01)
    told = hall.messenger.messages[40][-1]
    assert isinstance(told, WaitingCard) and told.ready_at is not None
    assert (told.ready_at - EPOCH).total_seconds() == pytest.approx(30 + 390, abs=25)
    before = {number: len(cards) for number, cards in hall.messenger.messages.items()}
    hall.engine.estimator.record(REQUEST, 11.0)  # a tenth slower at most
    hall.now_s += 1.5 * WAITING_S
    for _ in range(60):
        await hall.tick(0.01)
    assert len(hall.messenger.messages[40]) == before[40]
    for _ in range(32):
        hall.engine.estimator.record(REQUEST, 30.0)
    for _ in range(60):
        await hall.tick(0.01)
    assert len(hall.messenger.messages[40]) == before[40] + 1
