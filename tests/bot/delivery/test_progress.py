"""Progress is edited rarely and within one budget, and the newest state is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.delivery.cards import PaintingCard, WaitingCard
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.progress import MAX_CONCURRENT, MESSAGE_INTERVAL_S, WAITING_INTERVAL_S
from tests.bot.progress_harness import REQUEST, ProgressHarness, open_progress_harness
from tests.fakes import EPOCH, until


@pytest.fixture
async def harness() -> AsyncIterator[ProgressHarness]:
    """A running progress updater."""
    async with open_progress_harness() as harness:
        yield harness


async def test_a_message_is_edited_at_most_every_three_seconds(harness: ProgressHarness):
    """Several quick steps cause one edit, with the newest step."""
    job = await harness.submit(1)
    await harness.step(job, 2)
    await harness.tick(1)
    assert harness.messenger.messages == {}
    await harness.step(job, 3)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.tick(0.1)
    (card,) = harness.messenger.messages[1]
    assert isinstance(card, PaintingCard) and (card.step, card.steps) == (5, 8)


async def test_no_change_no_edit(harness: ProgressHarness):
    """Without a new step there is no edit, however long it takes."""
    job = await harness.submit(1)
    await harness.step(job, 1)
    for _ in range(5):
        await harness.tick(MESSAGE_INTERVAL_S)
    assert len(harness.messenger.messages[1]) == 1


async def test_one_edit_per_tick_for_all_messages_together(harness: ProgressHarness):
    """However many members wait, there is one edit per tick, and the job on the GPU comes first."""
    first = await harness.submit(1)
    for number in range(2, 12):
        await harness.submit(number)
    await harness.step(first, 1)
    harness.renderer.step(7)
    await asyncio.sleep(0.1)  # the first job is done, the second is on the GPU
    await harness.tick(WAITING_INTERVAL_S)
    assert sum(map(len, harness.messenger.messages.values())) == 1
    await harness.tick(0.1)
    assert sum(map(len, harness.messenger.messages.values())) == 2
    assert all(isinstance(card, PaintingCard) for card in harness.messenger.messages.get(2, []))


async def test_the_place_in_the_queue_is_corrected_after_thirty_seconds(harness: ProgressHarness):
    """A waiting message shows a changed queue position, at most every 30 seconds."""
    await harness.submit(1)
    await harness.submit(2)
    job = await harness.submit(3)
    harness.renderer.step(8)
    await asyncio.sleep(0.1)
    await harness.tick(WAITING_INTERVAL_S - 1)
    assert 3 not in harness.messenger.messages
    for _ in range(4):
        await harness.tick(1)
    card = harness.messenger.messages[3][-1]
    assert isinstance(card, WaitingCard) and card.ahead == 1 and job.latest is None


async def test_a_retired_message_is_never_edited_again(harness: ProgressHarness):
    """After `stop_tracking`, no late progress overwrites the result."""
    job = await harness.submit(1)
    await harness.step(job, 1)
    await harness.updater.stop_tracking(1)
    for _ in range(3):
        await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {}


async def test_a_message_that_is_gone_is_left_alone(harness: ProgressHarness):
    """After a permanent refusal there are no further edits."""
    job = await harness.submit(1)
    harness.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "10008")]
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {} and harness.messenger.faults == []


async def test_trouble_at_discord_costs_one_edit_only(harness: ProgressHarness):
    """After a temporary failure, the next state is shown as usual."""
    job = await harness.submit(1)
    harness.messenger.faults = [TemporaryFailure("503")]
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    (card,) = harness.messenger.messages[1]
    assert isinstance(card, PaintingCard) and card.step == 2


async def test_an_expected_time_is_corrected_only_when_it_is_far_off(harness: ProgressHarness):
    """An expected time is corrected only if it is off by more than a quarter of the wait."""
    for number in range(1, 42):
        await harness.submit(number)
    harness.engine.estimator.record(REQUEST, 10.0)
    await harness.tick(WAITING_INTERVAL_S)
    for _ in range(60):
        await harness.tick(0.01)
    shown = harness.messenger.messages[40][-1]
    assert isinstance(shown, WaitingCard) and shown.ready_at is not None
    assert (shown.ready_at - EPOCH).total_seconds() == pytest.approx(30 + 390, abs=25)
    before = {number: len(cards) for number, cards in harness.messenger.messages.items()}
    harness.engine.estimator.record(REQUEST, 11.0)  # at most a tenth slower
    harness.now_s += 1.5 * WAITING_INTERVAL_S
    for _ in range(60):
        await harness.tick(0.01)
    assert len(harness.messenger.messages[40]) == before[40]
    for _ in range(32):
        harness.engine.estimator.record(REQUEST, 30.0)
    for _ in range(60):
        await harness.tick(0.01)
    assert len(harness.messenger.messages[40]) == before[40] + 1


async def test_the_model_that_is_loaded_for_a_picture_is_named(harness: ProgressHarness):
    """Its message says which one and about how long, then shows the steps as always."""
    job = await harness.submit(1, model="second")
    await until(lambda: harness.engine.models.loading == "second")
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.tick(MESSAGE_INTERVAL_S)
    (shown,) = harness.messenger.messages[1]
    assert isinstance(shown, WaitingCard) and shown.model_loading is not None
    assert shown.model_loading.model == "second"
    assert shown.model_loading.seconds == harness.engine.models.load_s("")
    harness.may_load.set()
    await until(lambda: job.latest is not None)
    await harness.tick(MESSAGE_INTERVAL_S)
    assert isinstance(harness.messenger.messages[1][-1], PaintingCard)


async def test_a_slow_discord_is_not_given_more_to_do(harness: ProgressHarness):
    """A message with an edit in flight gets no other; then only the newest state is shown."""
    harness.messenger.held = {1}
    job = await harness.submit(1)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await until(lambda: harness.messenger.under_way)
    for _ in range(5):
        await harness.step(job, 1)
        await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.under_way == [1]
    harness.messenger.release()
    await harness.tick(1)
    await harness.edited(1, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 2)
    assert [each.step for each in cards] == [1, 6]
    assert cards[-1].preview is not None and cards[-1].preview.step == 6


async def test_three_seconds_pass_after_an_edit_that_took_long(harness: ProgressHarness):
    """The interval starts when an edit has arrived, not when it was sent."""
    harness.messenger.held = {1}
    job = await harness.submit(1)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await until(lambda: harness.messenger.under_way)
    harness.now_s += 10
    harness.messenger.release()
    await harness.edited(1, 1)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S - 0.1)
    await harness.edited(1, 1)
    await harness.tick(0.1)
    await harness.edited(1, 2)


async def test_one_slow_message_holds_up_no_other(harness: ProgressHarness):
    """Slow edits of waiting messages leave a slot free for the job on the GPU."""
    first = await harness.submit(1)
    for number in range(2, 8):
        await harness.submit(number)
    harness.messenger.held = set(range(2, 8))
    harness.engine.estimator.record(REQUEST, 100.0)
    harness.now_s += WAITING_INTERVAL_S
    for _ in range(10):
        await harness.tick(0.01)
    assert len(harness.messenger.under_way) == MAX_CONCURRENT - 1
    await harness.step(first, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    cards = await harness.edited(1, 2)
    assert [each.step for each in cards] == [0, 1]


async def test_retiring_waits_for_an_edit_under_way(harness: ProgressHarness):
    """The result is shown only after the last progress edit has arrived."""
    harness.messenger.held = {1}
    job = await harness.submit(1)
    await harness.step(job, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await until(lambda: harness.messenger.under_way)
    stopping = asyncio.create_task(harness.updater.stop_tracking(1))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    harness.messenger.release()
    async with asyncio.timeout(5):
        await stopping
    await harness.edited(1, 1)


async def test_a_job_under_three_seconds_makes_no_noise(harness: ProgressHarness):
    """A job that takes less than three seconds causes no edits."""
    job = await harness.submit(1)
    for _ in range(7):
        await harness.step(job, 1)
        await harness.tick(0.42)
    assert harness.now_s < MESSAGE_INTERVAL_S
    harness.renderer.release()
    await job.result()
    await harness.updater.stop_tracking(1)
    await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {}


async def test_a_defect_costs_one_message(harness: ProgressHarness):
    """An unexpected error ends the updates of one message, not of all."""
    first = await harness.submit(1)
    second = await harness.submit(2)
    harness.messenger.faults = [ValueError("a defect")]
    await harness.step(first, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.step(first, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    assert harness.messenger.messages == {} and harness.messenger.faults == []
    harness.renderer.step(6)
    await first.result()
    await harness.step(second, 1)
    await harness.tick(MESSAGE_INTERVAL_S)
    await harness.edited(2, 1)
