"""What is painted reaches its person exactly once, on a Discord that fails as it likes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.delivery.cards import FailureCard, KeptCard, MovedCard, PictureCard
from bot.delivery.messenger import Address, Obstacle, TryLater, Undeliverable
from bot.delivery.result_cards import ResultCards
from bot.delivery.sender import NONCE_LIFE
from bot.delivery.worker import DeliveryPolicy
from storage.errors import DatabaseBusy
from storage.types import Road
from tests.bot.desk import STATUS_ID, Desk
from tests.fakes import (
    DIRECT,
    Lost,
)


async def test_a_quick_result_replaces_the_status(desk: Desk):
    """Within 30 seconds the status message becomes the picture and nothing else is sent."""
    job = await desk.accept()
    await desk.paint(job)
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, PictureCard) and not card.mention
    assert desk.messenger.posts == [] and await desk.state(job) == "delivered"


async def test_a_late_result_is_posted_and_the_status_points_to_it(desk: Desk):
    """After 30 seconds there is a new message that mentions, and a link in the old one."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliver()
    ((_, card, nonce),) = desk.messenger.posts
    assert isinstance(card, PictureCard) and card.mention and nonce == "nonce-0"
    (moved,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard) and moved.message_id == 1000


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_post_whose_answer_is_lost_stands_once(desk: Desk, times: int):
    """When the answer to a post is lost, the message is found, however bad things are."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    desk.messenger.faults = [Lost("gone")] * times
    await desk.deliver()
    assert len(desk.messenger.posts) == 1 and await desk.state(job) == "delivered"
    assert desk.slept == [2.0]


async def test_the_road_is_kept_over_a_restart(desk: Desk):
    """An edit that may have arrived before a crash is edited again later, never posted as well."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [TryLater("crash here")]
    runner = asyncio.create_task(desk.delivery.run())
    while not desk.slept:
        await asyncio.sleep(0.01)
    runner.cancel()
    await desk.delivery.drain(0)
    desk.clock.advance(3600)
    desk.restart()
    await desk.deliver()
    assert desk.messenger.posts == []
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)


async def test_what_the_last_process_left_is_delivered_once(desk: Desk):
    """A picture painted before a crash is delivered at the next start, and only there."""
    job = await desk.accept()
    await desk.paint(job)
    desk.restart()
    await desk.deliver()
    desk.restart()
    await desk.deliver()
    assert len(desk.messenger.messages[STATUS_ID]) == 1


async def test_a_deleted_status_message_is_no_end(desk: Desk):
    """When the status message is gone the picture is posted, with a mention."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [Undeliverable(Obstacle.MESSAGE_GONE, "10008")]
    await desk.deliver()
    ((_, card, _),) = desk.messenger.posts
    assert isinstance(card, PictureCard) and card.mention
    assert await desk.state(job) == "delivered"


@pytest.mark.parametrize("obstacle", [Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN])
async def test_what_cannot_be_posted_is_kept(desk: Desk, obstacle: Obstacle):
    """A channel that is gone or closed leaves the picture in the history, not in a loop."""
    job = await desk.accept()
    await desk.paint(job)
    closed = Undeliverable(Obstacle.FORBIDDEN, "takes no direct messages")
    desk.messenger.faults = [Undeliverable(obstacle, "no"), closed]
    await desk.deliver()
    assert await desk.state(job) == "kept" and desk.slept == []
    assert [each.seed for each in await desk.history.recent(3, 1, 5)] == [5]
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, KeptCard) and card.painted


async def test_trouble_is_retried_with_growing_patience(desk: Desk):
    """Passing faults delay a delivery; none of them loses it."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [TryLater("503")] * 7
    await desk.deliver()
    assert await desk.state(job) == "delivered"
    assert desk.slept == [2.0, 5.0, 15.0, 60.0, 300.0, 300.0, 300.0]


async def test_a_failure_is_delivered_like_a_picture(desk: Desk):
    """A job that failed says so in its status message."""
    job = await desk.accept()
    await desk.jobs.painting(job.id)
    await desk.jobs.failed(job.id, "non_finite", "step 3")
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, FailureCard) and card.code == "non_finite"


async def test_an_erased_picture_is_not_delivered(desk: Desk):
    """What its person deleted before it was delivered stays away."""
    job = await desk.accept()
    await desk.paint(job)
    picture = await desk.history.latest(3, 1)
    assert picture is not None
    await desk.history.erase(picture.id)
    await desk.deliver()
    assert desk.messenger.messages == {} and await desk.state(job) == "dropped"


async def test_a_database_in_trouble_delays_a_delivery(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """While the disk takes nothing the delivery waits; then it arrives, once."""
    job = await desk.accept()
    await desk.paint(job)
    troubles = [DatabaseBusy(Path("zimagine.db"), "locked")] * 2
    really = desk.deliveries.pending_for

    async def pending_for(job_id: int):
        if troubles:
            raise troubles.pop()
        return await really(job_id)

    monkeypatch.setattr(desk.deliveries, "pending_for", pending_for)
    await desk.deliver()
    assert len(desk.slept) == 2 and await desk.state(job) == "delivered"
    assert len(desk.messenger.messages[STATUS_ID]) == 1


async def test_a_post_is_recorded_before_the_status_is_touched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Whatever happens after a post, it is never posted again."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    states: list[str] = []
    really = desk.messenger.edit

    async def edit(*arguments: Any):
        states.append(await desk.state(job))
        await really(*arguments)

    monkeypatch.setattr(desk.messenger, "edit", edit)
    await desk.deliver()
    assert states == ["delivered"] and len(desk.messenger.posts) == 1


@pytest.mark.parametrize("obstacle", [Obstacle.CHANNEL_GONE, Obstacle.FORBIDDEN, Obstacle.ARCHIVED])
@pytest.mark.parametrize("late_s", [0, 31])
async def test_a_closed_channel_is_no_end(desk: Desk, obstacle: Obstacle, late_s: int):
    """Where the channel is gone or closed, its person gets the picture by direct message."""
    job = await desk.accept()
    desk.clock.advance(late_s)
    await desk.paint(job)
    shut = Undeliverable(obstacle, "no")
    archived = obstacle is Obstacle.ARCHIVED and late_s == 0  # tried as a post before that
    desk.messenger.faults = [shut, shut] if archived else [shut]
    await desk.deliver()
    ((address, card, _),) = desk.messenger.posts
    assert (address.guild_id, address.channel_id) == (0, DIRECT + 3)
    assert isinstance(card, PictureCard) and card.direct and not card.mention
    assert await desk.state(job) == "delivered"


async def test_no_direct_message_where_the_owner_wants_none(desk: Desk):
    """With direct messages switched off, what cannot be posted is kept."""
    desk.policy = DeliveryPolicy(direct_messages=False)
    desk.restart()
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "no")]
    await desk.deliver()
    assert await desk.state(job) == "kept" and desk.messenger.posts == []


async def test_after_its_nonce_a_post_is_looked_for(desk: Desk):
    """Hours later Discord has forgotten the nonce: the message that stands is found by its file."""
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliveries.attempt(job.id, Road.POST)
    pending = await desk.deliveries.pending_for(job.id)
    assert pending is not None
    card = await ResultCards(desk.history, desk.files, lambda _: ()).card(pending, Road.POST)
    await desk.messenger.post(Address(1, 2), card, pending.delivery.nonce)  # and then killed
    desk.clock.advance(5 * 3600)
    desk.messenger.forget_nonces()
    desk.restart()
    await desk.deliver()
    assert await desk.state(job) == "delivered" and len(desk.messenger.posts) == 1
    (moved,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard) and moved.message_id == 1000


@pytest.mark.parametrize("fresh", [True, False])
async def test_where_nobody_can_look_nothing_is_posted_twice(desk: Desk, fresh: bool):
    """Without the right to read the past the nonce vouches for it; after its life, nothing does."""
    desk.messenger.unreadable = True
    job = await desk.accept()
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliveries.attempt(job.id, Road.POST)
    desk.clock.advance(5 if fresh else NONCE_LIFE.total_seconds() + 1)
    await desk.deliver()
    assert await desk.state(job) == ("delivered" if fresh else "kept")
    assert len(desk.messenger.posts) == (1 if fresh else 0)


async def test_what_is_too_old_is_not_sent(desk: Desk):
    """After a day a result is kept; its status message says where it is, without a ping."""
    job = await desk.accept()
    await desk.paint(job)
    desk.clock.advance(25 * 3600)
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, KeptCard) and card.painted and card.old
    assert await desk.state(job) == "kept" and desk.messenger.posts == []


async def test_no_storm_of_pings_after_an_outage(desk: Desk):
    """Of all that waited for the bot to come back, only the first result mentions its person."""
    for _ in range(4):
        await desk.paint(await desk.accept(placed=False))
    desk.clock.advance(3600)
    desk.restart()
    await desk.deliver()
    mentions = [
        card.mention for _, card, _ in desk.messenger.posts if isinstance(card, PictureCard)
    ]
    assert sorted(mentions) == [False, False, False, True]


async def test_a_defect_of_ours_leaves_the_picture_in_the_history(desk: Desk):
    """A result that cannot be made into a message is kept, not tried for ever."""
    job = await desk.accept()
    await desk.paint(job)
    async with desk.db.transaction() as transaction:
        await transaction.execute("UPDATE pictures SET recipe = '{}'")
    await desk.deliver()
    assert await desk.state(job) == "kept"


@pytest.mark.parametrize(
    ("obstacle", "state", "posts"),
    [(Obstacle.FORBIDDEN, "kept", 0), (Obstacle.CHANNEL_GONE, "delivered", 1)],
)
async def test_what_may_stand_behind_a_closed_door_is_not_sent_again(
    desk: Desk, obstacle: Obstacle, state: str, posts: int
):
    """A try whose answer was lost may have arrived: where nobody can look any more, the result is
    kept; where the channel went away with whatever stood in it, a direct message follows."""
    job = await desk.accept()
    await desk.paint(job)
    desk.messenger.faults = [TryLater("no answer"), Undeliverable(obstacle, "closed")]
    await desk.deliver()
    assert await desk.state(job) == state
    assert len(desk.messenger.posts) == posts


async def test_after_the_drain_nothing_is_sent(desk: Desk):
    """A result that is there only when the bot is already leaving waits for the next process."""
    job = await desk.accept()
    await desk.paint(job)
    await desk.delivery.drain(5)
    await desk.deliver()
    desk.delivery.wake(job.id)
    assert desk.messenger.messages == {} and await desk.state(job) == "pending"
    desk.restart()
    await desk.deliver()
    assert await desk.state(job) == "delivered"
