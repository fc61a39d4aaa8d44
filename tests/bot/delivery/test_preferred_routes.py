"""Pictures go where their person wants them, once, whatever is closed and whenever it crashes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.delivery.cards import Detour, FailureCard, KeptCard, MovedCard, PictureCard, SentCard
from bot.delivery.messenger import Obstacle, TryLater, Undeliverable
from bot.delivery.worker import DeliveryPolicy
from storage.preferences import Threads
from storage.types import DeliveryMode, Job, Road
from tests.bot.desk import STATUS_ID, Desk
from tests.fakes import DIRECT, THREAD, Lost

OWN_THREAD = THREAD + STATUS_ID
IN_THREAD, IN_DIRECT = DeliveryMode.THREAD, DeliveryMode.DIRECT


async def killed_under_way(desk: Desk) -> None:
    """The process dies while its delivery waits for another try."""
    runner = asyncio.create_task(desk.delivery.run())
    async with asyncio.timeout(10):
        while not desk.slept:
            await asyncio.sleep(0.01)
    runner.cancel()
    await desk.delivery.drain(0)
    desk.restart()


async def painted(desk: Desk, **wishes: Any) -> Job:
    """A job whose picture is ready."""
    job = await desk.accept(**wishes)
    await desk.paint(job)
    return job


def shown_in(desk: Desk) -> list[int]:
    """The channels in which pictures were posted."""
    return [address.channel_id for address, _, _ in desk.messenger.posts]


# Threads


async def test_a_picture_goes_to_its_persons_thread(desk: Desk):
    """The thread is opened under the status message, which shrinks to a link to the picture."""
    job = await painted(desk, delivery=IN_THREAD)
    await desk.deliver()
    ((address, card, _),) = desk.messenger.posts
    assert (address.guild_id, address.channel_id) == (1, OWN_THREAD)
    assert isinstance(card, PictureCard) and not card.mention and card.detour is None
    (moved,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(moved, MovedCard)
    assert (moved.channel_id, moved.message_id) == (OWN_THREAD, 1000)
    assert await desk.state(job) == "delivered"


async def test_one_thread_for_all_pictures_of_a_person(desk: Desk):
    """Of several pictures that are ready at once, one opens the thread, and all go there."""
    for status_id in range(100, 104):
        await painted(desk, status_id=status_id, delivery=IN_THREAD)
    await desk.deliver()
    assert desk.messenger.opened == 1 and len(shown_in(desk)) == 4
    assert len(set(shown_in(desk))) == 1
    await painted(desk, status_id=200, delivery=IN_THREAD)
    desk.restart()
    await desk.deliver()
    assert desk.messenger.opened == 1 and len(set(shown_in(desk))) == 1


async def test_who_waited_long_is_mentioned_in_the_thread(desk: Desk):
    """After thirty seconds the message in the thread notifies its person."""
    job = await desk.accept(delivery=IN_THREAD)
    desk.clock.advance(31)
    await desk.paint(job)
    await desk.deliver()
    ((_, card, _),) = desk.messenger.posts
    assert isinstance(card, PictureCard) and card.mention


async def test_a_failure_is_told_where_it_was_asked_for(desk: Desk):
    """No thread is opened for what was not painted."""
    job = await desk.accept(delivery=IN_THREAD)
    assert await desk.jobs.painting(job.id)
    await desk.jobs.failed(job.id, "blank")
    await desk.deliver()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], FailureCard)
    assert desk.messenger.opened == 0 and desk.messenger.posts == []


async def test_nothing_private_goes_to_a_thread(desk: Desk):
    """A private picture replaces its own status message, as if its person wanted no thread."""
    await painted(desk, private=True, reply_token="token", delivery=IN_THREAD)
    await desk.deliver()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)
    assert desk.messenger.opened == 0 and desk.messenger.posts == []


@pytest.mark.parametrize("late_s", [0, 31])
@pytest.mark.parametrize("obstacle", [Obstacle.FULL, Obstacle.FORBIDDEN, Obstacle.REJECTED])
async def test_where_no_thread_can_be_opened_the_channel_is_left(
    desk: Desk, obstacle: Obstacle, late_s: int
):
    """The picture is shown as it usually is, and says why."""
    job = await desk.accept(delivery=IN_THREAD)
    desk.clock.advance(late_s)
    await desk.paint(job)
    desk.messenger.faults = [Undeliverable(obstacle, "no thread")]
    await desk.deliver()
    card = desk.messenger.posts[0][1] if late_s else desk.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard)
    assert card.detour == Detour(DeliveryMode.THREAD, obstacle.value)
    assert shown_in(desk) == ([2] if late_s else [])
    assert await desk.state(job) == "delivered"


async def test_a_locked_thread_leaves_the_channel(desk: Desk):
    """Its person's thread is closed to the bot: the picture stands in the channel."""
    await painted(desk, status_id=100, delivery=IN_THREAD)
    await desk.deliver()
    await painted(desk, delivery=IN_THREAD)
    desk.restart()
    desk.messenger.faults = [Undeliverable(Obstacle.ARCHIVED, "50083")]
    await desk.deliver()
    card = desk.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard)
    assert card.detour == Detour(DeliveryMode.THREAD, "archived")


async def test_a_deleted_thread_is_replaced(desk: Desk):
    """When the remembered thread is gone, another one is opened and remembered."""
    await painted(desk, status_id=100, delivery=IN_THREAD)
    await desk.deliver()
    job = await painted(desk, delivery=IN_THREAD)
    desk.restart()
    desk.messenger.faults = [Undeliverable(Obstacle.CHANNEL_GONE, "10003")]
    await desk.deliver()
    assert shown_in(desk) == [THREAD + 100, OWN_THREAD]
    assert await desk.state(job) == "delivered"
    assert await Threads(desk.db, desk.clock).thread_of(1, 2, 3) == OWN_THREAD


async def test_a_deleted_channel_leaves_the_direct_message(desk: Desk):
    """With the channel its threads are gone too; the picture is not."""
    job = await painted(desk, delivery=IN_THREAD)
    gone = Undeliverable(Obstacle.CHANNEL_GONE, "10003")
    desk.messenger.faults = [gone, gone]  # the thread cannot be opened, the status not be edited
    await desk.deliver()
    assert shown_in(desk) == [DIRECT + 3] and await desk.state(job) == "delivered"


async def test_a_thread_that_is_gone_again_and_again_ends_in_the_channel(desk: Desk):
    """Two threads in a row that are not there are no reason to go on for ever."""
    await painted(desk, delivery=IN_THREAD)
    gone = Undeliverable(Obstacle.CHANNEL_GONE, "10003")
    desk.messenger.faults = [None, gone, None, gone]  # opened, not there; opened, not there
    await desk.deliver()
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)
    assert desk.messenger.posts == []


async def test_without_a_status_message_a_picture_begins_the_thread(desk: Desk):
    """It is posted in the channel, and the thread is opened under it for those that follow."""
    await painted(desk, placed=False, delivery=IN_THREAD)
    await desk.deliver()
    assert shown_in(desk) == [2] and desk.messenger.opened == 1
    await painted(desk, placed=False, delivery=IN_THREAD)
    await desk.deliver()
    assert shown_in(desk) == [2, THREAD + 1000] and desk.messenger.opened == 1


async def test_a_thread_that_cannot_be_begun_costs_nothing(desk: Desk):
    """The picture stands in the channel already."""
    job = await painted(desk, placed=False, delivery=IN_THREAD)
    desk.messenger.faults = [None, Undeliverable(Obstacle.FORBIDDEN, "50013")]
    await desk.deliver()
    assert shown_in(desk) == [2] and await desk.state(job) == "delivered"


# Direct messages


async def test_a_picture_goes_to_its_persons_direct_messages(desk: Desk):
    """The status message says where it went, and shows nothing."""
    job = await painted(desk, delivery=IN_DIRECT)
    await desk.deliver()
    ((address, card, _),) = desk.messenger.posts
    assert (address.guild_id, address.channel_id) == (0, DIRECT + 3)
    assert isinstance(card, PictureCard) and card.direct and not card.mention
    (sent,) = desk.messenger.messages[STATUS_ID]
    assert isinstance(sent, SentCard) and sent.requester_id == 3
    assert await desk.state(job) == "delivered"


async def test_closed_direct_messages_leave_the_channel(desk: Desk):
    """A public picture is shown where it was asked for, and says why."""
    job = await painted(desk, delivery=IN_DIRECT)
    desk.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await desk.deliver()
    card = desk.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard) and not card.direct
    assert card.detour == Detour(DeliveryMode.DIRECT, "forbidden")
    assert await desk.state(job) == "delivered" and desk.messenger.posts == []


async def test_a_closed_channel_after_closed_direct_messages_keeps_it(desk: Desk):
    """Nobody is written to twice: what has no road left is in the history."""
    job = await painted(desk, delivery=IN_DIRECT)
    shut = Undeliverable(Obstacle.FORBIDDEN, "no")
    desk.messenger.faults = [shut, shut]
    await desk.deliver()
    assert await desk.state(job) == "kept" and desk.messenger.posts == []


@pytest.mark.parametrize("late_s", [10, 16 * 60])
async def test_private_pictures_are_wanted_directly_too(desk: Desk, late_s: int):
    """A private one goes by direct message at once, and its own answer says so while it can."""
    job = await desk.accept(private=True, reply_token="token", delivery=IN_DIRECT)
    desk.clock.advance(late_s)
    await desk.paint(job)
    await desk.deliver()
    assert shown_in(desk) == [DIRECT + 3] and await desk.state(job) == "delivered"
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], SentCard)


@pytest.mark.parametrize(("late_s", "state"), [(10, "delivered"), (16 * 60, "kept")])
async def test_private_pictures_never_leave_for_a_channel(desk: Desk, late_s: int, state: str):
    """With direct messages closed a private one replaces its answer while its token lives."""
    job = await desk.accept(private=True, reply_token="token", delivery=IN_DIRECT)
    desk.clock.advance(late_s)
    await desk.paint(job)
    desk.messenger.faults = [Undeliverable(Obstacle.FORBIDDEN, "50007")]
    await desk.deliver()
    assert await desk.state(job) == state and desk.messenger.posts == []
    cards = desk.messenger.messages.get(STATUS_ID, [])
    assert [type(each) for each in cards] == ([PictureCard] if state == "delivered" else [])


async def test_no_wish_beats_the_owner(desk: Desk):
    """Where the owner allows no direct messages, the channel it is."""
    desk.policy = DeliveryPolicy(direct_messages=False)
    desk.restart()
    await painted(desk, delivery=IN_DIRECT)
    await desk.deliver()
    assert desk.messenger.posts == []
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], PictureCard)


# Crashes


@pytest.mark.parametrize("wish", [IN_THREAD, IN_DIRECT])
async def test_a_post_that_arrived_before_the_crash_is_found(desk: Desk, wish: DeliveryMode):
    """Killed between the post and its being written down: it stands once, and is linked."""
    job = await painted(desk, delivery=wish)
    opening = [None] if wish is IN_THREAD else []
    desk.messenger.faults = [*opening, Lost("killed")]
    await killed_under_way(desk)
    desk.clock.advance(3600)
    desk.messenger.forget_nonces()
    await desk.deliver()
    assert len(desk.messenger.posts) == 1 and await desk.state(job) == "delivered"
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], MovedCard | SentCard)


@pytest.mark.parametrize("wish", [IN_THREAD, IN_DIRECT])
async def test_a_post_that_did_not_arrive_is_posted_on_the_same_road(
    desk: Desk, wish: DeliveryMode
):
    """Killed before the post left: the next process posts it, to the very same place."""
    job = await painted(desk, delivery=wish)
    opening = [None] if wish is IN_THREAD else []
    desk.messenger.faults = [*opening, TryLater("killed")]
    await killed_under_way(desk)
    before = await desk.deliveries.get(job.id)
    await desk.deliver()
    after = await desk.deliveries.get(job.id)
    assert before is not None and after is not None
    assert (after.road, after.thread_id) == (before.road, before.thread_id)
    assert len(desk.messenger.posts) == 1 and desk.messenger.opened == len(opening)


async def test_a_thread_opened_right_before_a_crash_is_not_opened_again(desk: Desk):
    """Discord keeps one thread a message: the next process finds it by opening it again."""
    await painted(desk, delivery=IN_THREAD)
    desk.messenger.threads[STATUS_ID] = OWN_THREAD  # opened, and then killed
    await desk.deliver()
    assert desk.messenger.opened == 0 and shown_in(desk) == [OWN_THREAD]


async def test_what_may_stand_in_a_closed_thread_is_not_sent_again(desk: Desk):
    """A try whose answer was lost may have arrived where nobody can look any more: kept."""
    job = await painted(desk, delivery=IN_THREAD)
    forbidden = Undeliverable(Obstacle.FORBIDDEN, "50001")
    desk.messenger.faults = [None, Lost("no answer"), forbidden]
    desk.messenger.unreadable = True
    await desk.deliver()
    assert len(desk.messenger.posts) == 1
    assert await desk.state(job) == "kept"
    assert isinstance(desk.messenger.messages[STATUS_ID][-1], KeptCard)


async def test_the_reason_for_a_detour_outlives_a_crash(desk: Desk):
    """Killed after the wanted road was found closed: the picture still says why it is there."""
    job = await painted(desk, delivery=IN_THREAD)
    desk.messenger.faults = [Undeliverable(Obstacle.FULL, "160006"), TryLater("killed")]
    await killed_under_way(desk)
    found = await desk.deliveries.get(job.id)
    assert found is not None and (found.road, found.detour) == (Road.EDIT, "full")
    await desk.deliver()
    card = desk.messenger.messages[STATUS_ID][-1]
    assert isinstance(card, PictureCard) and card.detour is not None


async def test_what_is_too_old_opens_no_thread(desk: Desk):
    """A picture that will not be sent any more leaves no empty thread behind."""
    job = await painted(desk, delivery=IN_THREAD)
    desk.clock.advance(25 * 3600)
    await desk.deliver()
    assert desk.messenger.opened == 0 and await desk.state(job) == "kept"


# Spoilers


@pytest.mark.parametrize("wish", DeliveryMode)
async def test_a_spoiler_is_one_on_every_road(desk: Desk, wish: DeliveryMode):
    """The card and the name of its file say that the picture is hidden until it is clicked."""
    await painted(desk, spoiler=True, delivery=wish)
    await desk.deliver()
    shown = [card for _, card, _ in desk.messenger.posts] or desk.messenger.messages[STATUS_ID]
    (card,) = shown
    assert isinstance(card, PictureCard) and card.spoiler
    assert card.file_name.startswith("SPOILER_zimagine-")
