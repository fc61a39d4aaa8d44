"""The board edits seldom, within one budget, and the newest state wins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.delivery.cards import PaintingCard, WaitingCard
from bot.delivery.messenger import Obstacle, TryLater, Undeliverable
from bot.delivery.progress import AT_ONCE, PER_MESSAGE_S, WAITING_S
from tests.bot.hall import REQUEST, Hall, open_hall
from tests.fakes import EPOCH, until


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    """A hall that is open."""
    async with open_hall() as hall:
        yield hall


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


async def test_a_slow_discord_is_not_given_more_to_do(hall: Hall):
    """While an edit is under way its message gets no other; then comes the newest state alone."""
    hall.messenger.held = {1}
    job = await hall.ask(1)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    await until(lambda: hall.messenger.under_way)
    for _ in range(5):
        await hall.step(job, 1)
        await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.under_way == [1]
    hall.messenger.release()
    await hall.tick(1)
    await hall.edited(1, 1)
    await hall.tick(PER_MESSAGE_S)
    cards = await hall.edited(1, 2)
    assert [each.step for each in cards] == [1, 6]
    assert cards[-1].preview is not None and cards[-1].preview.step == 6


async def test_three_seconds_pass_after_an_edit_that_took_long(hall: Hall):
    """What counts is when the last edit arrived, not when it was sent."""
    hall.messenger.held = {1}
    job = await hall.ask(1)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    await until(lambda: hall.messenger.under_way)
    hall.now_s += 10
    hall.messenger.release()
    await hall.edited(1, 1)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S - 0.1)
    await hall.edited(1, 1)
    await hall.tick(0.1)
    await hall.edited(1, 2)


async def test_one_slow_message_holds_up_no_other(hall: Hall):
    """Edits of waiting messages that never arrive leave a place for the one that is painted."""
    first = await hall.ask(1)
    for number in range(2, 8):
        await hall.ask(number)
    hall.messenger.held = set(range(2, 8))
    hall.engine.estimator.record(REQUEST, 100.0)
    hall.now_s += WAITING_S
    for _ in range(10):
        await hall.tick(0.01)
    assert len(hall.messenger.under_way) == AT_ONCE - 1
    await hall.step(first, 1)
    await hall.tick(PER_MESSAGE_S)
    cards = await hall.edited(1, 2)
    assert [each.step for each in cards] == [0, 1]


async def test_retiring_waits_for_an_edit_under_way(hall: Hall):
    """The result is shown after the last progress has arrived, never before."""
    hall.messenger.held = {1}
    job = await hall.ask(1)
    await hall.step(job, 1)
    await hall.tick(PER_MESSAGE_S)
    await until(lambda: hall.messenger.under_way)
    retiring = asyncio.create_task(hall.board.retire(1))
    await asyncio.sleep(0.05)
    assert not retiring.done()
    hall.messenger.release()
    async with asyncio.timeout(5):
        await retiring
    await hall.edited(1, 1)


async def test_a_job_under_three_seconds_makes_no_noise(hall: Hall):
    """Eight steps in less than three seconds: nobody's message is touched."""
    job = await hall.ask(1)
    for _ in range(7):
        await hall.step(job, 1)
        await hall.tick(0.42)
    assert hall.now_s < PER_MESSAGE_S
    hall.painter.release()
    await job.result()
    await hall.board.retire(1)
    await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {}


async def test_a_defect_costs_one_message(hall: Hall):
    """An error that nobody foresaw ends the progress of one message, not the board."""
    first = await hall.ask(1)
    second = await hall.ask(2)
    hall.messenger.faults = [ValueError("a defect")]
    await hall.step(first, 1)
    await hall.tick(PER_MESSAGE_S)
    await hall.step(first, 1)
    await hall.tick(PER_MESSAGE_S)
    assert hall.messenger.messages == {} and hall.messenger.faults == []
    hall.painter.step(6)
    await first.result()
    await hall.step(second, 1)
    await hall.tick(PER_MESSAGE_S)
    await hall.edited(2, 1)
