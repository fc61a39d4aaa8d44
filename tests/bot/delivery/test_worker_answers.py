"""Results of commands whose answer is unknown, private, spent, or was never given."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery.cards import FailureCard, PictureCard
from bot.delivery.messenger import Obstacle, Undeliverable
from bot.delivery.worker import NeverAnswered
from tests.bot.desk import STATUS_ID, Desk
from tests.fakes import (
    DIRECT,
)


async def test_a_result_waits_for_its_status_message(desk: Desk):
    """A picture that is ready before the command's answer is known does not overtake it."""
    job = await desk.accept(placed=False)
    desk.delivery.expect(job.id)
    await desk.paint(job)
    runner = asyncio.create_task(desk.delivery.run())
    await asyncio.sleep(0.05)
    assert desk.messenger.posts == [] and desk.messenger.messages == {}
    await desk.delivery.placed(job.id, STATUS_ID)
    await desk.delivery.drain(5)
    runner.cancel()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)


async def test_a_job_withdrawn_before_its_answer_is_dropped_silently(desk: Desk):
    """Who was never answered is not told of the job's end either."""
    job = await desk.accept(placed=False)
    await desk.jobs.cancelled(job.id)
    await desk.deliver()
    assert await desk.state(job) == "dropped" and desk.messenger.posts == []


async def test_an_answer_that_arrived_after_all_is_corrected(desk: Desk):
    """Discord said "too late" to the second try of an answer whose first one stands: the message
    that promises a picture is found, and says what became of it."""
    job = await desk.accept(placed=False, reply_token="token")
    desk.messenger.statuses[job.id] = STATUS_ID
    await desk.jobs.cancelled(job.id)
    await desk.deliver()
    (card,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(card, FailureCard) and card.state == "cancelled"
    assert await desk.state(job) == "delivered" and desk.messenger.posts == []


async def test_a_job_that_no_message_shows_is_posted_and_notifies_who_waits_long(desk: Desk):
    """One of many that were agreed to: its result is its first message, and mentions its person
    only after half a minute; cancelled, nobody is looked for who could have been told."""
    quick, slow, cancelled = [await desk.accept(placed=False) for _ in range(3)]
    desk.messenger.statuses[cancelled.id] = STATUS_ID
    await desk.jobs.cancelled(cancelled.id)
    await desk.paint(quick)
    runner = asyncio.create_task(desk.delivery.run())
    async with asyncio.timeout(10):
        while len(desk.messenger.posts) < 1:
            await asyncio.sleep(0.01)
    desk.clock.advance(31)
    await desk.paint(slow)
    desk.delivery.wake(slow.id)
    async with asyncio.timeout(10):
        while len(desk.messenger.posts) < 2 or desk.delivery.busy:
            await asyncio.sleep(0.01)
    runner.cancel()
    assert [card.mention for _, card, _ in desk.messenger.posts] == [False, True]  # type: ignore[union-attr]
    assert desk.messenger.messages == {}
    assert [await desk.state(job) for job in (quick, slow, cancelled)] == [
        "delivered",
        "delivered",
        "dropped",
    ]


async def test_a_private_answer_cannot_be_looked_for(desk: Desk):
    """Where nobody can look, a job that was withdrawn is dropped, as if it was never answered."""
    private, unreadable = (
        await desk.accept(placed=False, private=True),
        await desk.accept(placed=False),
    )
    desk.messenger.unreadable = True
    for job in (private, unreadable):
        desk.messenger.statuses[job.id] = STATUS_ID
        await desk.jobs.cancelled(job.id)
    await desk.deliver()
    assert [await desk.state(job) for job in (private, unreadable)] == ["dropped", "dropped"]


async def test_an_answer_that_a_crash_kept_unknown_is_found_again(desk: Desk):
    """Killed between the answer and its being written down: the same message gets the result."""
    job = await desk.accept(placed=False, reply_token="t")
    await desk.paint(job)
    desk.messenger.answers["t"] = 55
    desk.restart()
    await desk.deliver()
    assert isinstance(desk.messenger.messages[55][-1], PictureCard)
    assert desk.messenger.posts == []


async def test_a_command_that_was_never_answered_is_known_as_such(desk: Desk):
    """Discord has no answer under the token: whoever asks is told, and nothing is placed."""
    job = await desk.accept(placed=False, reply_token="t")
    with pytest.raises(NeverAnswered):
        await desk.delivery.status_message(job.id, accepted_at=job.accepted_at)
    assert desk.slept == [3.0]  # until Discord takes no answer any more


async def test_an_answer_that_is_still_on_its_way_is_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """What a killed process sent arrives after the restart: its job is not given up."""
    job = await desk.accept(placed=False, reply_token="t")
    desk.clock.advance(1)

    async def arrives(delay_s: float) -> None:
        assert delay_s == 2.0
        desk.messenger.answers["t"] = 55

    monkeypatch.setattr(desk.delivery, "_sleep", arrives)
    found = await desk.delivery.status_message(job.id, accepted_at=job.accepted_at)
    row = await desk.deliveries.get(job.id)
    assert row is not None and found == 55 == row.message_id


async def test_an_old_token_is_not_asked_about(desk: Desk):
    """After fifteen minutes Discord has forgotten every token: silence proves nothing."""
    job = await desk.accept(placed=False, reply_token="t")
    desk.clock.advance(15 * 60)
    assert await desk.delivery.status_message(job.id, accepted_at=job.accepted_at) is None


async def test_a_token_is_forgotten_when_it_is_not_needed(desk: Desk):
    """As soon as the status message is known, its token leaves the database."""
    job = await desk.accept(placed=False, reply_token="t")
    await desk.delivery.placed(job.id, STATUS_ID)
    found = await desk.deliveries.get(job.id)
    assert found is not None and found.reply_token is None


async def test_what_is_private_is_shown_through_its_token(desk: Desk):
    """A private picture replaces the answer that only its person sees; the token is then gone."""
    job = await desk.accept(reply_token="t", private=True)
    desk.clock.advance(60)
    await desk.paint(job)
    await desk.deliver()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)
    assert desk.messenger.posts == [] and await desk.state(job) == "delivered"
    found = await desk.deliveries.get(job.id)
    assert found is not None and found.reply_token is None


@pytest.mark.parametrize("accepts", [True, False])
async def test_what_is_private_is_never_posted_in_public(desk: Desk, accepts: bool):
    """After its token has died a private picture goes by direct message, or stays in /history."""
    job = await desk.accept(reply_token="t", private=True)
    await desk.paint(job)
    desk.clock.advance(16 * 60)
    desk.messenger.faults = [] if accepts else [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await desk.deliver()
    assert await desk.state(job) == ("delivered" if accepts else "kept")
    assert [address.channel_id for address, _, _ in desk.messenger.posts] == (
        [DIRECT + 3] if accepts else []
    )
    assert desk.messenger.messages == {}


async def test_a_private_result_without_an_answer_is_written_directly(desk: Desk):
    """Painted before anybody noticed that its command was never answered: no message could be
    edited, so its person gets a direct one."""
    job = await desk.accept(placed=False, reply_token="never-answered", private=True)
    await desk.paint(job)
    await desk.deliver()
    (post,) = desk.messenger.posts
    assert post[0].channel_id == DIRECT + job.place.user_id
    assert await desk.state(job) == "delivered"
