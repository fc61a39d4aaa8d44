"""Results of commands whose answer is unknown, private, expired, or was never given."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery.cards import FailureCard, KeptCard, MovedCard, PictureCard
from bot.delivery.messenger import AnsweredElsewhere, Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.worker import NeverAnswered
from storage.types import Job
from tests.bot.delivery_harness import STATUS_ID, DeliveryHarness
from tests.fakes import DIRECT


async def test_a_result_waits_for_its_status_message(harness: DeliveryHarness):
    """A picture that is ready before the status message is known waits for it."""
    job = await harness.accept(placed=False)
    harness.delivery.expect_status(job.id)
    await harness.paint(job)
    runner = asyncio.create_task(harness.delivery.run())
    await asyncio.sleep(0.05)
    assert harness.messenger.posts == [] and harness.messenger.messages == {}
    await harness.delivery.status_posted(job.id, STATUS_ID)
    await harness.delivery.drain(5)
    runner.cancel()
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], PictureCard)


async def test_a_job_withdrawn_before_its_answer_is_dropped_silently(harness: DeliveryHarness):
    """If a command was never answered, the end of its job is not reported."""
    job = await harness.accept(placed=False)
    await harness.jobs.cancelled(job.id)
    await harness.deliver()
    assert await harness.state(job) == "dropped" and harness.messenger.posts == []


async def test_an_answer_that_arrived_after_all_is_corrected(harness: DeliveryHarness):
    """If the first attempt of an answer arrived although Discord reported the second as too late,
    that message is found and corrected."""
    job = await harness.accept(placed=False, reply_token="token")
    harness.messenger.statuses[job.id] = STATUS_ID
    await harness.jobs.cancelled(job.id)
    await harness.deliver()
    (card,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(card, FailureCard) and card.state == "cancelled"
    assert await harness.state(job) == "delivered" and harness.messenger.posts == []


async def test_a_job_that_no_message_shows_is_posted_and_notifies_who_waits_long(
    harness: DeliveryHarness,
):
    """A job without a status message is posted, and mentions its requester only after half a
    minute. If it was cancelled, no message is searched for."""
    quick, slow, cancelled = [await harness.accept(placed=False) for _ in range(3)]
    harness.messenger.statuses[cancelled.id] = STATUS_ID
    await harness.jobs.cancelled(cancelled.id)
    await harness.paint(quick)
    runner = asyncio.create_task(harness.delivery.run())
    async with asyncio.timeout(10):
        while len(harness.messenger.posts) < 1:
            await asyncio.sleep(0.01)
    harness.clock.advance(31)
    await harness.paint(slow)
    harness.delivery.wake(slow.id)
    async with asyncio.timeout(10):
        while len(harness.messenger.posts) < 2 or harness.delivery.busy:
            await asyncio.sleep(0.01)
    runner.cancel()
    assert [card.mention for _, card, _ in harness.messenger.posts] == [False, True]  # type: ignore[union-attr]
    assert harness.messenger.messages == {}
    assert [await harness.state(job) for job in (quick, slow, cancelled)] == [
        "delivered",
        "delivered",
        "dropped",
    ]


async def test_a_private_answer_cannot_be_looked_for(harness: DeliveryHarness):
    """If nobody can search for the answer, a withdrawn job is dropped as if never answered."""
    private, unreadable = (
        await harness.accept(placed=False, private=True),
        await harness.accept(placed=False),
    )
    harness.messenger.unreadable = True
    for job in (private, unreadable):
        harness.messenger.statuses[job.id] = STATUS_ID
        await harness.jobs.cancelled(job.id)
    await harness.deliver()
    assert [await harness.state(job) for job in (private, unreadable)] == ["dropped", "dropped"]


async def test_an_answer_that_a_crash_kept_unknown_is_found_again(harness: DeliveryHarness):
    """If a crash kept the answer from being recorded, it is found again and gets the result."""
    job = await harness.accept(placed=False, reply_token="t")
    await harness.paint(job)
    harness.messenger.answers["t"] = 55
    harness.restart()
    await harness.deliver()
    assert isinstance(harness.messenger.messages[55][-1], PictureCard)
    assert harness.messenger.posts == []


@pytest.mark.parametrize("end", ["painted", "cancelled"])
async def test_another_programs_answer_is_left_alone(harness: DeliveryHarness, end: str):
    """If another program answered the command, nothing is sent or charged, and its message is not
    changed."""
    job = await harness.accept(placed=False, reply_token="t")
    if end == "painted":
        await harness.paint(job)
    else:
        await harness.jobs.cancelled(job.id)
    harness.messenger.answers["t"] = -55
    with pytest.raises(AnsweredElsewhere):
        await harness.delivery.status_message(job.id, accepted_at=job.accepted_at)
    harness.restart()
    harness.delivery.attach(harness.jobs.disowned)
    await harness.deliver()
    assert await harness.state(job) == "dropped"
    assert harness.messenger.posts == [] and harness.messenger.messages == {}
    row = await harness.db.fetch_one("SELECT count(*) AS n FROM ledger WHERE refunded_at IS NULL")
    assert row is not None and row["n"] == 0


async def test_a_command_that_was_never_answered_is_known_as_such(harness: DeliveryHarness):
    """If Discord knows no answer to the token, NeverAnswered is raised and nothing is recorded."""
    job = await harness.accept(placed=False, reply_token="t")
    with pytest.raises(NeverAnswered):
        await harness.delivery.status_message(job.id, accepted_at=job.accepted_at)
    assert harness.slept == [3.0]  # until Discord accepts no answer any more


async def test_a_command_from_the_future_is_not_waited_for_longer(harness: DeliveryHarness):
    """A job accepted while the clock was a year ahead is looked up within seconds, not a year."""
    harness.clock.advance(days=365)
    job = await harness.accept(placed=False, reply_token="t")
    harness.clock.advance(days=-365)
    with pytest.raises(NeverAnswered):
        await harness.delivery.status_message(job.id, accepted_at=job.accepted_at)
    assert harness.slept == [3.0]


async def test_an_answer_that_is_still_on_its_way_is_waited_for(harness: DeliveryHarness):
    """An answer sent by a killed process may arrive after the restart, and is waited for."""
    job = await harness.accept(placed=False, reply_token="t")
    harness.clock.advance(1)

    harness.on_sleep = lambda _: harness.messenger.answers.update(t=55)
    found = await harness.delivery.status_message(job.id, accepted_at=job.accepted_at)
    row = await harness.deliveries.get(job.id)
    assert row is not None and found == 55 == row.message_id
    assert harness.slept == [2.0]


async def test_an_old_token_is_not_asked_about(harness: DeliveryHarness):
    """A token older than fifteen minutes is not looked up: its absence would prove nothing."""
    job = await harness.accept(placed=False, reply_token="t")
    harness.clock.advance(15 * 60)
    assert await harness.delivery.status_message(job.id, accepted_at=job.accepted_at) is None


async def test_a_token_is_forgotten_when_it_is_not_needed(harness: DeliveryHarness):
    """Once the result is delivered, the token is removed from the database."""
    job = await harness.accept(placed=False, reply_token="t")
    await harness.delivery.status_posted(job.id, STATUS_ID)
    status = await harness.delivery.status_address(job)
    assert status is not None and (status.message_id, status.reply_token) == (STATUS_ID, "t")
    await harness.paint(job)
    await harness.deliver()
    found = await harness.deliveries.get(job.id)
    assert found is not None and found.reply_token is None


async def test_what_is_private_is_shown_through_its_token(harness: DeliveryHarness):
    """A private picture replaces its ephemeral message, and the token is removed."""
    job = await harness.accept(reply_token="t", private=True)
    harness.clock.advance(60)
    await harness.paint(job)
    await harness.deliver()
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], PictureCard)
    assert harness.messenger.posts == [] and await harness.state(job) == "delivered"
    found = await harness.deliveries.get(job.id)
    assert found is not None and found.reply_token is None


@pytest.mark.parametrize("accepts", [True, False])
async def test_what_is_private_is_never_posted_in_public(harness: DeliveryHarness, accepts: bool):
    """After its token has expired, a private picture is sent by direct message or kept."""
    job = await harness.accept(reply_token="t", private=True)
    await harness.paint(job)
    harness.clock.advance(16 * 60)
    harness.messenger.faults = [] if accepts else [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await harness.deliver()
    assert await harness.state(job) == ("delivered" if accepts else "kept")
    assert [address.channel_id for address, _, _ in harness.messenger.posts] == (
        [DIRECT + 3] if accepts else []
    )
    assert harness.messenger.messages == {}


async def test_a_private_result_without_an_answer_is_written_directly(harness: DeliveryHarness):
    """A private picture whose command was never answered is sent by direct message."""
    job = await harness.accept(placed=False, reply_token="never-answered", private=True)
    await harness.paint(job)
    await harness.deliver()
    (post,) = harness.messenger.posts
    assert post[0].channel_id == DIRECT + job.place.user_id
    assert await harness.state(job) == "delivered"


async def late_in_direct(harness: DeliveryHarness, *, painted: bool = True) -> Job:
    """Return a job of direct messages that has ended after its token expired."""
    job = await harness.accept(reply_token="t", private=True, channel_id=DIRECT + 3)
    if painted:
        await harness.paint(job)
    else:
        assert await harness.jobs.painting(job.id)
        await harness.jobs.failed(job.id, "blank")
    harness.clock.advance(16 * 60)
    return job


async def test_a_late_picture_of_direct_messages_is_linked(harness: DeliveryHarness):
    """It is sent anew, without naming a channel; the status message there links to it."""
    job = await late_in_direct(harness)
    await harness.deliver()
    ((address, card, _),) = harness.messenger.posts
    assert address.channel_id == DIRECT + 3 and isinstance(card, PictureCard)
    assert card.direct and card.origin_id == 0
    (moved,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard)
    assert (moved.guild_id, moved.channel_id) == (0, DIRECT + 3)
    assert await harness.state(job) == "delivered"


async def test_a_late_failure_of_direct_messages_is_edited_in(harness: DeliveryHarness):
    """Its status message is an ordinary one, which can be edited without a token."""
    job = await late_in_direct(harness, painted=False)
    await harness.deliver()
    assert [type(each) for each in harness.messenger.messages[STATUS_ID]] == [FailureCard]
    assert harness.messenger.posts == [] and await harness.state(job) == "delivered"


async def test_closed_direct_messages_say_so_where_they_can(harness: DeliveryHarness):
    """If nothing new can be sent, the picture is kept and the status message says so."""
    job = await late_in_direct(harness)
    harness.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await harness.deliver()
    (kept,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(kept, KeptCard) and kept.painted and kept.direct
    assert await harness.state(job) == "kept"


async def test_whether_it_is_one_of_direct_messages_is_asked_again(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
):
    """While Discord does not say which channel that is, the delivery waits."""
    job = await late_in_direct(harness, painted=False)
    asked: list[int] = []

    async def at_first_unreachable(channel_id: int) -> bool:
        asked.append(channel_id)
        if len(asked) == 1:
            raise TemporaryFailure("503")
        return True

    monkeypatch.setattr(harness.messenger, "is_direct", at_first_unreachable)
    await harness.deliver()
    assert asked == [DIRECT + 3, DIRECT + 3] and await harness.state(job) == "delivered"
