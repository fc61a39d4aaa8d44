"""Pictures go where their requester wants them, once, despite closed routes and crashes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.delivery.cards import FailureCard, FallbackNote, KeptCard, MovedCard, PictureCard, SentCard
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.worker import DeliveryPolicy
from storage.preferences import Threads
from storage.types import DeliveryMode, Job, Route
from tests.bot.delivery_harness import STATUS_ID, DeliveryHarness
from tests.fakes import DIRECT, THREAD, Lost

OWN_THREAD = THREAD + STATUS_ID
IN_THREAD, IN_DIRECT = DeliveryMode.THREAD, DeliveryMode.DIRECT


async def painted(harness: DeliveryHarness, **options: Any) -> Job:
    """Return a job whose picture is ready."""
    job = await harness.accept(**options)
    await harness.paint(job)
    return job


def channels_posted_in(harness: DeliveryHarness) -> list[int]:
    """Return the channels in which pictures were posted."""
    return [address.channel_id for address, _, _ in harness.messenger.posts]


# Threads


async def test_a_picture_goes_to_its_persons_thread(harness: DeliveryHarness):
    """The thread is opened under the status message, which becomes a link to the picture."""
    job = await painted(harness, delivery=IN_THREAD)
    await harness.deliver()
    ((address, card, _),) = harness.messenger.posts
    assert (address.guild_id, address.channel_id) == (1, OWN_THREAD)
    assert isinstance(card, PictureCard) and not card.mention and card.fallback is None
    (moved,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard)
    assert (moved.channel_id, moved.message_id) == (OWN_THREAD, 1000)
    assert await harness.state(job) == "delivered"


async def test_one_thread_for_all_pictures_of_a_person(harness: DeliveryHarness):
    """If several pictures are ready at once, one of them opens the thread and all go there."""
    for status_id in range(100, 104):
        await painted(harness, status_id=status_id, delivery=IN_THREAD)
    await harness.deliver()
    assert harness.messenger.opened == 1 and len(channels_posted_in(harness)) == 4
    assert len(set(channels_posted_in(harness))) == 1
    await painted(harness, status_id=200, delivery=IN_THREAD)
    harness.restart()
    await harness.deliver()
    assert harness.messenger.opened == 1 and len(set(channels_posted_in(harness))) == 1


async def test_who_waited_long_is_mentioned_in_the_thread(harness: DeliveryHarness):
    """After thirty seconds the message in the thread notifies the requester."""
    job = await harness.accept(delivery=IN_THREAD)
    harness.clock.advance(31)
    await harness.paint(job)
    await harness.deliver()
    ((_, card, _),) = harness.messenger.posts
    assert isinstance(card, PictureCard) and card.mention


async def test_a_failure_is_told_where_it_was_asked_for(harness: DeliveryHarness):
    """No thread is opened for a job that failed."""
    job = await harness.accept(delivery=IN_THREAD)
    assert await harness.jobs.painting(job.id)
    await harness.jobs.failed(job.id, "blank")
    await harness.deliver()
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], FailureCard)
    assert harness.messenger.opened == 0 and harness.messenger.posts == []


async def test_nothing_private_goes_to_a_thread(harness: DeliveryHarness):
    """A private picture replaces its status message, even if its requester prefers a thread."""
    await painted(harness, private=True, reply_token="token", delivery=IN_THREAD)
    await harness.deliver()
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], PictureCard)
    assert harness.messenger.opened == 0 and harness.messenger.posts == []


@pytest.mark.parametrize("late_s", [0, 31])
@pytest.mark.parametrize("obstacle", [Obstacle.FULL, Obstacle.FORBIDDEN, Obstacle.REJECTED])
async def test_where_no_thread_can_be_opened_the_channel_is_left(
    harness: DeliveryHarness, obstacle: Obstacle, late_s: int
):
    """The picture is delivered by the default route, and says why."""
    job = await harness.accept(delivery=IN_THREAD)
    harness.clock.advance(late_s)
    await harness.paint(job)
    harness.messenger.faults = [Undeliverable(obstacle, "no thread")]
    await harness.deliver()
    card = harness.messenger.posts[0][1] if late_s else harness.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard)
    assert card.fallback == FallbackNote(DeliveryMode.THREAD, obstacle.value)
    assert channels_posted_in(harness) == ([2] if late_s else [])
    assert await harness.state(job) == "delivered"


async def test_a_locked_thread_leaves_the_channel(harness: DeliveryHarness):
    """If the bot cannot write in the user's thread, the picture is shown in the channel."""
    await painted(harness, status_id=100, delivery=IN_THREAD)
    await harness.deliver()
    await painted(harness, delivery=IN_THREAD)
    harness.restart()
    harness.messenger.faults = [Undeliverable(Obstacle.ARCHIVED, "50083")]
    await harness.deliver()
    card = harness.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard)
    assert card.fallback == FallbackNote(DeliveryMode.THREAD, "archived")


async def test_a_deleted_thread_is_replaced(harness: DeliveryHarness):
    """If the remembered thread is gone, another one is opened and remembered."""
    await painted(harness, status_id=100, delivery=IN_THREAD)
    await harness.deliver()
    job = await painted(harness, delivery=IN_THREAD)
    harness.restart()
    harness.messenger.faults = [Undeliverable(Obstacle.CHANNEL_GONE, "10003")]
    await harness.deliver()
    assert channels_posted_in(harness) == [THREAD + 100, OWN_THREAD]
    assert await harness.state(job) == "delivered"
    assert await Threads(harness.db, harness.clock).thread_of(1, 2, 3) == OWN_THREAD


async def test_a_deleted_channel_leaves_the_direct_message(harness: DeliveryHarness):
    """If the channel was deleted with its threads, the picture is sent by direct message."""
    job = await painted(harness, delivery=IN_THREAD)
    gone = Undeliverable(Obstacle.CHANNEL_GONE, "10003")
    harness.messenger.faults = [gone, gone]  # opening the thread and editing the status both fail
    await harness.deliver()
    assert channels_posted_in(harness) == [DIRECT + 3] and await harness.state(job) == "delivered"


async def test_a_thread_that_is_gone_again_and_again_ends_in_the_channel(harness: DeliveryHarness):
    """If two threads in a row turn out not to exist, the picture goes to the channel."""
    await painted(harness, delivery=IN_THREAD)
    gone = Undeliverable(Obstacle.CHANNEL_GONE, "10003")
    harness.messenger.faults = [None, gone, None, gone]  # opened and missing, twice
    await harness.deliver()
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], PictureCard)
    assert harness.messenger.posts == []


async def test_without_a_status_message_a_picture_begins_the_thread(harness: DeliveryHarness):
    """The picture is posted in the channel, and a thread for later pictures is opened under it."""
    await painted(harness, placed=False, delivery=IN_THREAD)
    await harness.deliver()
    assert channels_posted_in(harness) == [2] and harness.messenger.opened == 1
    await painted(harness, placed=False, delivery=IN_THREAD)
    await harness.deliver()
    assert channels_posted_in(harness) == [2, THREAD + 1000] and harness.messenger.opened == 1


async def test_a_thread_that_cannot_be_begun_costs_nothing(harness: DeliveryHarness):
    """If the thread cannot be opened, the picture has already been posted in the channel."""
    job = await painted(harness, placed=False, delivery=IN_THREAD)
    harness.messenger.faults = [None, Undeliverable(Obstacle.FORBIDDEN, "50013")]
    await harness.deliver()
    assert channels_posted_in(harness) == [2] and await harness.state(job) == "delivered"


# Direct messages


async def test_a_picture_goes_to_its_persons_direct_messages(harness: DeliveryHarness):
    """The status message says that the picture was sent, and does not show it."""
    job = await painted(harness, delivery=IN_DIRECT)
    await harness.deliver()
    ((address, card, _),) = harness.messenger.posts
    assert (address.guild_id, address.channel_id) == (0, DIRECT + 3)
    assert isinstance(card, PictureCard) and card.direct and not card.mention
    (sent,) = harness.messenger.messages[STATUS_ID]
    assert isinstance(sent, SentCard) and sent.requester_id == 3
    assert await harness.state(job) == "delivered"


async def test_closed_direct_messages_leave_the_channel(harness: DeliveryHarness):
    """A public picture is shown in the channel instead, and says why."""
    job = await painted(harness, delivery=IN_DIRECT)
    harness.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await harness.deliver()
    card = harness.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard) and not card.direct
    assert card.fallback == FallbackNote(DeliveryMode.DIRECT, "forbidden")
    assert await harness.state(job) == "delivered" and harness.messenger.posts == []


async def test_a_closed_channel_after_closed_direct_messages_keeps_it(harness: DeliveryHarness):
    """If the channel is closed as well, the picture stays in the history."""
    job = await painted(harness, delivery=IN_DIRECT)
    closed = Undeliverable(Obstacle.FORBIDDEN, "no")
    harness.messenger.faults = [closed, closed]
    await harness.deliver()
    assert await harness.state(job) == "kept" and harness.messenger.posts == []


@pytest.mark.parametrize("late_s", [10, 16 * 60])
async def test_private_pictures_are_wanted_directly_too(harness: DeliveryHarness, late_s: int):
    """A private picture is sent by direct message at once; its ephemeral message says so if it
    can."""
    job = await harness.accept(private=True, reply_token="token", delivery=IN_DIRECT)
    harness.clock.advance(late_s)
    await harness.paint(job)
    await harness.deliver()
    assert channels_posted_in(harness) == [DIRECT + 3] and await harness.state(job) == "delivered"
    cards = harness.messenger.messages.get(STATUS_ID, [])
    assert [type(each) for each in cards] == ([SentCard] if late_s == 10 else [])


@pytest.mark.parametrize(("late_s", "state"), [(10, "delivered"), (16 * 60, "kept")])
async def test_private_pictures_never_leave_for_a_channel(
    harness: DeliveryHarness, late_s: int, state: str
):
    """If direct messages are closed, a private picture replaces its ephemeral message in time."""
    job = await harness.accept(private=True, reply_token="token", delivery=IN_DIRECT)
    harness.clock.advance(late_s)
    await harness.paint(job)
    harness.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await harness.deliver()
    assert await harness.state(job) == state and harness.messenger.posts == []
    cards = harness.messenger.messages.get(STATUS_ID, [])
    assert [type(each) for each in cards] == ([PictureCard] if state == "delivered" else [])


async def test_no_wish_beats_the_owner(harness: DeliveryHarness):
    """If the owner forbids direct messages, the picture goes to the channel."""
    harness.policy = DeliveryPolicy(direct_messages=False)
    harness.restart()
    await painted(harness, delivery=IN_DIRECT)
    await harness.deliver()
    assert harness.messenger.posts == []
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], PictureCard)


# Crashes


@pytest.mark.parametrize("mode", [IN_THREAD, IN_DIRECT])
async def test_a_post_that_arrived_before_the_crash_is_found(
    harness: DeliveryHarness, mode: DeliveryMode
):
    """Killed after posting and before recording it, the bot finds the post and links to it."""
    job = await painted(harness, delivery=mode)
    opening = [None] if mode is IN_THREAD else []
    harness.messenger.faults = [*opening, Lost("killed")]
    await harness.kill_during_delivery()
    harness.clock.advance(3600)
    harness.messenger.forget_nonces()
    await harness.deliver()
    assert len(harness.messenger.posts) == 1 and await harness.state(job) == "delivered"
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], MovedCard | SentCard)


@pytest.mark.parametrize("mode", [IN_THREAD, IN_DIRECT])
async def test_a_post_that_did_not_arrive_is_posted_on_the_same_road(
    harness: DeliveryHarness, mode: DeliveryMode
):
    """Killed before posting, the next process posts to the same place."""
    job = await painted(harness, delivery=mode)
    opening = [None] if mode is IN_THREAD else []
    harness.messenger.faults = [*opening, TemporaryFailure("killed")]
    await harness.kill_during_delivery()
    before = await harness.deliveries.get(job.id)
    await harness.deliver()
    after = await harness.deliveries.get(job.id)
    assert before is not None and after is not None
    assert (after.route, after.thread_id) == (before.route, before.thread_id)
    assert len(harness.messenger.posts) == 1 and harness.messenger.opened == len(opening)


async def test_a_thread_opened_right_before_a_crash_is_not_opened_again(harness: DeliveryHarness):
    """A message can have only one thread, so the next process finds it when it tries to open it."""
    await painted(harness, delivery=IN_THREAD)
    harness.messenger.threads[STATUS_ID] = OWN_THREAD  # opened right before a crash
    await harness.deliver()
    assert harness.messenger.opened == 0 and channels_posted_in(harness) == [OWN_THREAD]


async def test_what_may_stand_in_a_closed_thread_is_not_sent_again(harness: DeliveryHarness):
    """A post with a lost response may have arrived where nobody can look, so the result is kept."""
    job = await painted(harness, delivery=IN_THREAD)
    forbidden = Undeliverable(Obstacle.FORBIDDEN, "50001")
    harness.messenger.faults = [None, Lost("no answer"), forbidden]
    harness.messenger.unreadable = True
    await harness.deliver()
    assert len(harness.messenger.posts) == 1
    assert await harness.state(job) == "kept"
    assert isinstance(harness.messenger.messages[STATUS_ID][-1], KeptCard)


async def test_the_reason_for_a_detour_outlives_a_crash(harness: DeliveryHarness):
    """After a crash the picture still says why it is not where its requester wants it."""
    job = await painted(harness, delivery=IN_THREAD)
    harness.messenger.faults = [Undeliverable(Obstacle.FULL, "160006"), TemporaryFailure("killed")]
    await harness.kill_during_delivery()
    found = await harness.deliveries.get(job.id)
    assert found is not None and (found.route, found.fallback_reason) == (Route.EDIT, "full")
    await harness.deliver()
    card = harness.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard) and card.fallback is not None


async def test_what_is_too_old_opens_no_thread(harness: DeliveryHarness):
    """A picture that is too old to be sent leaves no empty thread behind."""
    job = await painted(harness, delivery=IN_THREAD)
    harness.clock.advance(25 * 3600)
    await harness.deliver()
    assert harness.messenger.opened == 0 and await harness.state(job) == "kept"


# Spoilers


@pytest.mark.parametrize("mode", DeliveryMode)
async def test_a_spoiler_is_one_on_every_road(harness: DeliveryHarness, mode: DeliveryMode):
    """The card and its file name mark the picture as a spoiler on every route."""
    await painted(harness, spoiler=True, delivery=mode)
    await harness.deliver()
    shown = [card for _, card, _ in harness.messenger.posts] or harness.messenger.messages[
        STATUS_ID
    ]
    (card,) = shown
    assert isinstance(card, PictureCard) and card.spoiler
    assert card.file_name.startswith("SPOILER_zimagine-")
