"""Results are delivered exactly once, whatever fails on Discord."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.delivery import worker
from bot.delivery.cards import FailureCard, KeptCard, MovedCard, PictureCard
from bot.delivery.messenger import Address, Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.sender import NONCE_LIFE
from bot.delivery.worker import DeliveryPolicy
from storage.errors import DatabaseBusy
from storage.types import Route
from tests.bot.delivery_harness import STATUS_ID, DeliveryHarness
from tests.fakes import (
    DIRECT,
    Lost,
)


async def test_a_quick_result_replaces_the_status(harness: DeliveryHarness):
    """Within 30 seconds the status message becomes the picture, and nothing else is sent."""
    job = await harness.accept()
    await harness.paint(job)
    await harness.deliver()
    (card,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(card, PictureCard) and not card.mention
    assert harness.messenger.posts == [] and await harness.state(job) == "delivered"


async def test_a_late_result_is_posted_and_the_status_points_to_it(harness: DeliveryHarness):
    """After 30 seconds a new message mentions the requester, and the status message links to it."""
    job = await harness.accept()
    harness.clock.advance(31)
    await harness.paint(job)
    await harness.deliver()
    ((_, card, nonce),) = harness.messenger.posts
    assert isinstance(card, PictureCard) and card.mention and nonce == "nonce-0"
    (moved,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard) and moved.message_id == 1000


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_post_whose_answer_is_lost_stands_once(harness: DeliveryHarness, times: int):
    """If the response to a post is lost, the message is found again and not posted twice."""
    job = await harness.accept()
    harness.clock.advance(31)
    await harness.paint(job)
    harness.messenger.faults = [Lost("gone")] * times
    await harness.deliver()
    assert len(harness.messenger.posts) == 1 and await harness.state(job) == "delivered"
    assert harness.slept[0] == 2.0


async def test_the_road_is_kept_over_a_restart(harness: DeliveryHarness):
    """An edit that may have arrived before a crash is repeated later, and never posted as well."""
    job = await harness.accept()
    await harness.paint(job)
    harness.messenger.faults = [TemporaryFailure("crash here")]
    runner = asyncio.create_task(harness.delivery.run())
    while not harness.slept:
        await asyncio.sleep(0.01)
    runner.cancel()
    await harness.delivery.drain(0)
    harness.clock.advance(3600)
    harness.restart()
    await harness.deliver()
    assert harness.messenger.posts == []
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], PictureCard)


async def test_what_the_last_process_left_is_delivered_once(harness: DeliveryHarness):
    """A picture finished before a crash is delivered at the next start, once."""
    job = await harness.accept()
    await harness.paint(job)
    harness.restart()
    await harness.deliver()
    harness.restart()
    await harness.deliver()
    assert len(harness.messenger.messages[STATUS_ID]) == 1


async def test_a_deleted_status_message_is_no_end(harness: DeliveryHarness):
    """If the status message is gone, the picture is posted with a mention."""
    job = await harness.accept()
    await harness.paint(job)
    harness.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "10008")]
    await harness.deliver()
    ((_, card, _),) = harness.messenger.posts
    assert isinstance(card, PictureCard) and card.mention
    assert await harness.state(job) == "delivered"


@pytest.mark.parametrize("obstacle", [Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN])
async def test_what_cannot_be_posted_is_kept(harness: DeliveryHarness, obstacle: Obstacle):
    """If the channel is gone or closed, the picture is kept in the history and not retried."""
    job = await harness.accept()
    await harness.paint(job)
    closed = Undeliverable(Obstacle.FORBIDDEN, "takes no direct messages")
    harness.messenger.faults = [Undeliverable(obstacle, "no"), closed]
    await harness.deliver()
    assert await harness.state(job) == "kept" and harness.slept == []
    assert [each.seed for each in await harness.history.recent(3, 1, 5)] == [5]
    (card,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(card, KeptCard) and card.painted


async def test_trouble_is_retried_with_growing_patience(harness: DeliveryHarness):
    """Temporary failures delay a delivery with growing waits, and never lose it."""
    job = await harness.accept()
    await harness.paint(job)
    harness.messenger.faults = [TemporaryFailure("503")] * 7
    await harness.deliver()
    assert await harness.state(job) == "delivered"
    assert harness.slept == [2.0, 5.0, 15.0, 60.0, 300.0, 300.0, 300.0]


async def test_a_failure_is_delivered_like_a_picture(harness: DeliveryHarness):
    """The status message of a failed job says so."""
    job = await harness.accept()
    await harness.jobs.painting(job.id)
    await harness.jobs.failed(job.id, "non_finite", "step 3")
    await harness.deliver()
    (card,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(card, FailureCard) and card.code == "non_finite"


async def test_an_erased_picture_is_not_delivered(harness: DeliveryHarness):
    """A picture that was erased before its delivery is not shown."""
    job = await harness.accept()
    await harness.paint(job)
    picture = await harness.history.latest(3, 1)
    assert picture is not None
    await harness.history.erase(picture.id)
    await harness.deliver()
    assert harness.messenger.messages == {} and await harness.state(job) == "dropped"


async def test_a_database_in_trouble_delays_a_delivery(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
):
    """A delivery waits while the database fails, and then arrives once."""
    job = await harness.accept()
    await harness.paint(job)
    errors = [DatabaseBusy(Path("zimagine.db"), "locked")] * 2
    real = harness.deliveries.pending_for

    async def pending_for(job_id: int):
        if errors:
            raise errors.pop()
        return await real(job_id)

    monkeypatch.setattr(harness.deliveries, "pending_for", pending_for)
    await harness.deliver()
    assert len(harness.slept) == 2 and await harness.state(job) == "delivered"
    assert len(harness.messenger.messages[STATUS_ID]) == 1


async def test_a_post_is_recorded_before_the_status_is_touched(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
):
    """Whatever happens after a post, it is not posted again."""
    job = await harness.accept()
    harness.clock.advance(31)
    await harness.paint(job)
    states: list[str] = []
    real = harness.messenger.edit

    async def edit(*arguments: Any):
        states.append(await harness.state(job))
        await real(*arguments)

    monkeypatch.setattr(harness.messenger, "edit", edit)
    await harness.deliver()
    assert states == ["delivered"] and len(harness.messenger.posts) == 1


@pytest.mark.parametrize("obstacle", [Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN, Obstacle.ARCHIVED])
@pytest.mark.parametrize("late_s", [0, 31])
async def test_a_closed_channel_is_no_end(
    harness: DeliveryHarness, obstacle: Obstacle, late_s: int
):
    """If the channel is gone or closed, the picture is sent by direct message."""
    job = await harness.accept()
    harness.clock.advance(late_s)
    await harness.paint(job)
    closed = Undeliverable(obstacle, "no")
    archived = obstacle is Obstacle.ARCHIVED and late_s == 0  # tried as a post before
    harness.messenger.faults = [closed, closed] if archived else [closed]
    await harness.deliver()
    ((address, card, _),) = harness.messenger.posts
    assert (address.guild_id, address.channel_id) == (0, DIRECT + 3)
    assert isinstance(card, PictureCard) and card.direct and not card.mention
    assert await harness.state(job) == "delivered"


async def test_no_direct_message_where_the_owner_wants_none(harness: DeliveryHarness):
    """If direct messages are turned off, a picture that cannot be posted is kept."""
    harness.policy = DeliveryPolicy(direct_messages=False)
    harness.restart()
    job = await harness.accept()
    await harness.paint(job)
    harness.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "no")]
    await harness.deliver()
    assert await harness.state(job) == "kept" and harness.messenger.posts == []


async def test_after_its_nonce_a_post_is_looked_for(harness: DeliveryHarness):
    """Hours later, when Discord has forgotten the nonce, the post is found by its file."""
    job = await harness.accept()
    harness.clock.advance(31)
    await harness.paint(job)
    await harness.deliveries.attempt(job.id, Route.POST)
    pending = await harness.deliveries.pending_for(job.id)
    assert pending is not None
    card = await harness.result_cards().card(pending, Route.POST)
    await harness.messenger.post(Address(1, 2), card, pending.delivery.nonce)  # then killed
    harness.clock.advance(5 * 3600)
    harness.messenger.forget_nonces()
    harness.restart()
    await harness.deliver()
    assert await harness.state(job) == "delivered" and len(harness.messenger.posts) == 1
    (moved,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard) and moved.message_id == 1000


@pytest.mark.parametrize("fresh", [True, False])
async def test_where_nobody_can_look_nothing_is_posted_twice(harness: DeliveryHarness, fresh: bool):
    """If the history is unreadable, a result is posted again only while its nonce protects it."""
    harness.messenger.unreadable = True
    job = await harness.accept()
    harness.clock.advance(31)
    await harness.paint(job)
    await harness.deliveries.attempt(job.id, Route.POST)
    harness.clock.advance(5 if fresh else NONCE_LIFE.total_seconds() + 1)
    await harness.deliver()
    assert await harness.state(job) == ("delivered" if fresh else "kept")
    assert len(harness.messenger.posts) == (1 if fresh else 0)


async def test_what_is_too_old_is_not_sent(harness: DeliveryHarness):
    """After a day a result is kept, and its status message says where, without a notification."""
    job = await harness.accept()
    await harness.paint(job)
    harness.clock.advance(25 * 3600)
    await harness.deliver()
    (card,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(card, KeptCard) and card.painted and card.old
    assert await harness.state(job) == "kept" and harness.messenger.posts == []


async def test_no_storm_of_pings_after_an_outage(harness: DeliveryHarness):
    """Of all results that waited during an outage, only the first mentions the requester."""
    for _ in range(4):
        await harness.paint(await harness.accept(placed=False))
    harness.clock.advance(3600)
    harness.restart()
    await harness.deliver()
    mentions = [
        card.mention for _, card, _ in harness.messenger.posts if isinstance(card, PictureCard)
    ]
    assert sorted(mentions) == [False, False, False, True]


async def test_a_defect_of_ours_leaves_the_picture_in_the_history(harness: DeliveryHarness):
    """A result that cannot be turned into a message is kept and not retried."""
    job = await harness.accept()
    await harness.paint(job)
    async with harness.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET recipe = '{}'")
    await harness.deliver()
    assert await harness.state(job) == "kept"


@pytest.mark.parametrize(
    ("obstacle", "state", "posts"),
    [(Obstacle.FORBIDDEN, "kept", 0), (Obstacle.CHANNEL_GONE, "delivered", 1)],
)
async def test_what_may_stand_behind_a_closed_door_is_not_sent_again(
    harness: DeliveryHarness, obstacle: Obstacle, state: str, posts: int
):
    """A post with a lost response may have arrived. If nobody can look any more, the result is
    kept; if the channel is gone, it is sent by direct message."""
    job = await harness.accept()
    await harness.paint(job)
    harness.messenger.faults = [TemporaryFailure("no answer"), Undeliverable(obstacle, "closed")]
    await harness.deliver()
    assert await harness.state(job) == state
    assert len(harness.messenger.posts) == posts


async def test_after_the_drain_nothing_is_sent(harness: DeliveryHarness):
    """A result that is ready only during shutdown waits for the next process."""
    job = await harness.accept()
    await harness.paint(job)
    await harness.delivery.drain(5)
    await harness.deliver()
    harness.delivery.wake(job.id)
    assert harness.messenger.messages == {} and await harness.state(job) == "pending"
    harness.restart()
    await harness.deliver()
    assert await harness.state(job) == "delivered"


async def test_what_a_killed_process_sent_cannot_cover_the_result(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
):
    """After a start, results of an earlier process wait until its last edits have arrived; those of
    this process do not."""
    monkeypatch.setattr(worker, "EARLIER_EDITS_S", 5.0)
    earlier = await harness.accept()
    await harness.paint(earlier)
    harness.restart()
    own = await harness.accept(status_id=56)
    harness.delivery.expect_status(own.id)
    harness.delivery.status_unknown(own.id)
    await harness.paint(own)
    arrived = asyncio.Event()
    monkeypatch.setattr(harness.delivery, "_sleep", lambda _: arrived.wait())
    runner = asyncio.create_task(harness.delivery.run())
    while await harness.state(own) != "delivered":
        await asyncio.sleep(0.01)
    assert await harness.state(earlier) == "pending" and STATUS_ID not in harness.messenger.messages
    arrived.set()
    while await harness.state(earlier) != "delivered":
        await asyncio.sleep(0.01)
    runner.cancel()
    await harness.delivery.drain(0)
