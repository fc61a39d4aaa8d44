"""Results in places that are closed to the bot arrive once, by what is still open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.delivery.cards import (
    Card,
    FailureCard,
    FallbackNote,
    KeptCard,
    MovedCard,
    PictureCard,
    SentCard,
)
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from storage.types import DeliveryMode, Job, Route
from tests.bot.delivery_harness import STATUS_ID, DeliveryHarness
from tests.fakes import DIRECT, Call, until

Rule = Callable[[Call], Exception | None]
SPENT_S = 14 * 60 + 1


def refused(obstacle: Obstacle) -> Undeliverable:
    """Return Discord's refusal."""
    return Undeliverable(obstacle, "refused")


def no_view(call: Call) -> Exception | None:
    """A private thread without the bot, or a channel that it may not see any more."""
    return None if call.way in ("token", "direct") else refused(Obstacle.FORBIDDEN)


def no_send(call: Call) -> Exception | None:
    """A channel where the bot may not write; Discord then takes no files from it either."""
    closed = call.way == "post" or (call.way == "edit" and isinstance(call.card, PictureCard))
    return refused(Obstacle.FORBIDDEN) if closed else None


def no_files(call: Call) -> Exception | None:
    """A channel where the bot may write, but not attach files."""
    closed = call.way in ("post", "edit") and isinstance(call.card, PictureCard)
    return refused(Obstacle.FORBIDDEN) if closed else None


def gone(call: Call) -> Exception | None:
    """A channel that was deleted, with the message that the token was for."""
    if call.way == "direct":
        return None
    return refused(Obstacle.MESSAGE_GONE if call.way == "token" else Obstacle.CHANNEL_GONE)


def locked(call: Call) -> Exception | None:
    """A thread that was archived and locked."""
    return None if call.way in ("direct", "find") else refused(Obstacle.ARCHIVED)


def no_token(rule: Rule, error: Exception | None = None) -> Rule:
    """Return the same place, where the token meets this error, by default that it is unknown."""

    def with_token(call: Call) -> Exception | None:
        if call.way == "token":
            return error or refused(Obstacle.MESSAGE_GONE)
        return rule(call)

    return with_token


async def painted_in(
    harness: DeliveryHarness, rule: Rule, late_s: float = 0, **options: Any
) -> Job:
    """Return a job whose place was closed while it was painted."""
    job = await harness.accept(reply_token="token", **options)
    harness.clock.advance(late_s)
    await harness.paint(job)
    harness.messenger.rule = rule
    return job


async def ended_in(harness: DeliveryHarness, rule: Rule, late_s: float, end: str) -> Job:
    """Return a job that ended without a picture in a closed place, once that was delivered."""
    job = await harness.accept(reply_token="token")
    harness.messenger.rule = rule
    runner = asyncio.create_task(harness.delivery.run())
    await asyncio.sleep(0)
    await harness.deliveries.pending()  # behind the runner's own: the job is no backlog
    harness.clock.advance(late_s)
    if end == "failed":
        await harness.jobs.painting(job.id)
        await harness.jobs.failed(job.id, "non_finite")
    else:
        await harness.jobs.cancelled(job.id)
    harness.delivery.wake(job.id)
    await until(lambda: not harness.delivery.busy)
    runner.cancel()
    return job


def tried(harness: DeliveryHarness) -> list[str]:
    """Return the ways that were tried, in order."""
    return [call.way for call in harness.messenger.calls]


def shown(harness: DeliveryHarness) -> list[Card]:
    """Return what the status message showed, one after the other."""
    return harness.messenger.messages.get(STATUS_ID, [])


def sent_to(harness: DeliveryHarness) -> list[int]:
    """Return the channels in which something was posted."""
    return [address.channel_id for address, _, _ in harness.messenger.posts]


# While the token lives


@pytest.mark.parametrize("place", [no_view, no_send, no_files])
@pytest.mark.parametrize(
    ("late_s", "ways"), [(0, ["edit", "token"]), (40, ["post", "edit", "token"])]
)
async def test_the_token_shows_a_picture_where_the_bot_may_not(
    harness: DeliveryHarness, place: Rule, late_s: float, ways: list[str]
):
    """The picture replaces its status message, also if a new message was refused."""
    job = await painted_in(harness, place, late_s)
    await harness.deliver()
    (card,) = shown(harness)
    assert isinstance(card, PictureCard) and not card.mention and not card.direct
    assert tried(harness) == ways and harness.messenger.posts == []
    assert await harness.state(job) == "delivered" and harness.slept == []


@pytest.mark.parametrize("end", ["failed", "cancelled"])
@pytest.mark.parametrize("late_s", [0, 40])
async def test_the_token_shows_how_a_job_ended(harness: DeliveryHarness, end: str, late_s: float):
    """A job without a picture loses its Cancel button there, too."""
    job = await ended_in(harness, no_view, late_s, end)
    (card,) = shown(harness)
    assert isinstance(card, FailureCard) and card.state == end
    assert await harness.state(job) == "delivered" and harness.messenger.posts == []


async def test_a_failure_can_be_told_where_the_bot_may_only_see(harness: DeliveryHarness):
    """Text is edited without the permission to write, also after the token's life."""
    job = await ended_in(harness, no_send, SPENT_S, "failed")
    assert tried(harness) == ["post", "edit"] and isinstance(shown(harness)[-1], FailureCard)
    assert await harness.state(job) == "delivered"


async def test_a_wanted_direct_message_is_noted_by_the_token(harness: DeliveryHarness):
    """Where the bot may not see its status message, the token says that the picture was sent."""
    await painted_in(harness, no_view, delivery=DeliveryMode.DIRECT)
    await harness.deliver()
    (card,) = shown(harness)
    assert isinstance(card, SentCard) and card.reason is None
    assert tried(harness) == ["direct", "edit", "token"]


async def test_the_token_outlives_a_restart(harness: DeliveryHarness):
    """The next process has the token from the database; then it is forgotten."""
    job = await painted_in(harness, no_view, 40)
    harness.restart()
    await harness.deliver()
    assert isinstance(shown(harness)[-1], PictureCard) and harness.messenger.posts == []
    row = await harness.deliveries.get(job.id)
    assert row is not None and row.reply_token is None


# When nothing reaches the channel


@pytest.mark.parametrize(
    ("place", "late_s", "ways"),
    [
        (no_view, SPENT_S, ["post", "direct", "edit"]),
        (no_token(no_view), 0, ["edit", "token", "direct", "token", "edit"]),
        (no_token(no_view), 40, ["post", "edit", "token", "direct", "token", "edit"]),
        (gone, 0, ["edit", "token", "direct", "token", "edit"]),
        (gone, 40, ["post", "edit", "token", "direct", "token", "edit"]),
        (gone, SPENT_S, ["post", "direct", "edit"]),
        (locked, 0, ["edit", "token", "post", "direct", "token", "edit"]),
        (locked, 40, ["post", "edit", "token", "direct", "token", "edit"]),
        (locked, SPENT_S, ["post", "direct", "edit"]),
    ],
)
async def test_a_place_without_a_way_leaves_the_direct_message(
    harness: DeliveryHarness, place: Rule, late_s: float, ways: list[str]
):
    """The picture is sent once, after every way to the channel was refused; nothing is retried."""
    job = await painted_in(harness, place, late_s)
    await harness.deliver()
    ((address, card, _),) = harness.messenger.posts
    assert address.channel_id == DIRECT + 3
    assert isinstance(card, PictureCard) and card.direct and card.fallback is None
    assert tried(harness) == ways and shown(harness) == []
    assert await harness.state(job) == "delivered" and harness.slept == []


@pytest.mark.parametrize("place", [no_send, no_files])
async def test_the_card_says_why_its_picture_was_sent_elsewhere(
    harness: DeliveryHarness, place: Rule
):
    """Where only the picture is refused, the status message still says where it went, and why."""
    await painted_in(harness, place, SPENT_S)
    await harness.deliver()
    assert sent_to(harness) == [DIRECT + 3]
    (card,) = shown(harness)
    assert isinstance(card, SentCard) and card.reason == "forbidden"


async def test_the_reason_outlives_a_crash(harness: DeliveryHarness):
    """Killed before the direct message, the next process still knows why it is one."""

    def place(call: Call) -> Exception | None:
        first = call.way == "direct" and not harness.slept
        return TemporaryFailure("killed") if first else no_send(call)

    await painted_in(harness, place, SPENT_S)
    await harness.kill_during_delivery()
    await harness.deliver()
    assert sent_to(harness) == [DIRECT + 3]
    card = shown(harness)[-1]
    assert isinstance(card, SentCard) and card.reason == "forbidden"


async def test_closed_direct_messages_keep_it_and_the_card_says_so(harness: DeliveryHarness):
    """A picture that can be sent nowhere is in the history, and its card says why."""

    def place(call: Call) -> Exception | None:
        return refused(Obstacle.FORBIDDEN) if call.way == "direct" else no_send(call)

    job = await painted_in(harness, place, SPENT_S)
    await harness.deliver()
    (card,) = shown(harness)
    assert isinstance(card, KeptCard) and card.reason == "forbidden"
    assert await harness.state(job) == "kept"


async def test_a_link_says_why_it_leads_to_the_channel(harness: DeliveryHarness):
    """A late picture that was wanted by direct message is linked to with the reason."""

    def place(call: Call) -> Exception | None:
        return refused(Obstacle.FORBIDDEN) if call.way == "direct" else None

    await painted_in(harness, place, 40, delivery=DeliveryMode.DIRECT)
    await harness.deliver()
    assert sent_to(harness) == [2]
    (card,) = shown(harness)
    assert isinstance(card, MovedCard)
    assert card.fallback == FallbackNote(DeliveryMode.DIRECT, "forbidden")


# Never twice


@pytest.mark.parametrize("late_s", [0, 40])
async def test_trouble_with_the_token_is_retried_by_it(harness: DeliveryHarness, late_s: float):
    """A server error is no refusal: the same edit is repeated, and nothing is sent elsewhere."""

    def place(call: Call) -> Exception | None:
        failing = call.way == "token" and len(harness.slept) < 2
        return TemporaryFailure("503") if failing else no_view(call)

    job = await painted_in(harness, place, late_s)
    await harness.deliver()
    assert tried(harness)[-3:] == ["token"] * 3 and len(harness.slept) == 2
    assert len(shown(harness)) == 1 and harness.messenger.posts == []
    assert await harness.state(job) == "delivered"


async def test_what_the_token_may_have_shown_is_not_sent_again(harness: DeliveryHarness):
    """An edit whose response was lost may have arrived: after the token's life it is not sent."""

    def place(call: Call) -> Exception | None:
        if call.way == "token":
            harness.clock.advance(SPENT_S)
            return TemporaryFailure("no answer")
        return no_view(call)

    job = await painted_in(harness, place)
    await harness.deliver()
    assert await harness.state(job) == "kept" and harness.messenger.posts == []


@pytest.mark.parametrize("spent", [False, True])
async def test_killed_between_the_refused_post_and_the_edit(harness: DeliveryHarness, spent: bool):
    """The edit is repeated while the token lives; later it may have arrived, and is not sent."""
    place = no_token(no_view, TemporaryFailure("killed"))
    job = await painted_in(harness, place, 40)
    await harness.kill_during_delivery()
    row = await harness.deliveries.get(job.id)
    assert row is not None and row.route is Route.EDIT
    harness.messenger.rule = no_view
    harness.clock.advance(SPENT_S if spent else 60)
    await harness.deliver()
    assert await harness.state(job) == ("kept" if spent else "delivered")
    assert [type(card) for card in shown(harness)] == ([] if spent else [PictureCard])
    assert harness.messenger.posts == []


async def test_killed_before_a_post_was_known_to_be_refused(harness: DeliveryHarness):
    """Nobody can tell whether the post arrived: the picture is kept, and the token says so."""
    job = await painted_in(harness, no_view, 40)
    await harness.deliveries.attempt(job.id, Route.POST)  # then killed
    harness.restart()
    await harness.deliver()
    (card,) = shown(harness)
    assert isinstance(card, KeptCard) and card.reason == "forbidden"
    assert await harness.state(job) == "kept" and harness.messenger.posts == []


async def test_a_post_that_may_be_on_its_way_is_not_replaced(harness: DeliveryHarness):
    """Even if the channel does not show the post yet, another route could double it."""
    job = await painted_in(harness, no_send, 40)
    await harness.deliveries.attempt(job.id, Route.POST)  # then killed
    harness.restart()
    await harness.deliver()
    assert tried(harness) == ["find", "post", "edit"]
    assert isinstance(shown(harness)[-1], KeptCard) and harness.messenger.posts == []
    assert await harness.state(job) == "kept"


async def test_what_an_archived_thread_may_show_is_not_posted(harness: DeliveryHarness):
    """An edit whose response was lost may stand in a thread that was archived since."""
    job = await painted_in(harness, locked)
    harness.messenger.rule = lambda call: (
        locked(call) if harness.slept else TemporaryFailure("no answer")
    )
    await harness.deliver()
    assert await harness.state(job) == "kept" and harness.messenger.posts == []


# Afterwards


async def test_a_link_that_was_not_accepted_is_tried_again(harness: DeliveryHarness):
    """The picture is delivered once, whatever becomes of the link; that is retried for a while."""
    job = await painted_in(harness, lambda _: None, 40)
    edits: list[Call] = []

    def place(call: Call) -> Exception | None:
        if call.what != "edit":
            return None
        edits.append(call)
        return TemporaryFailure("503") if len(edits) < 3 else None

    harness.messenger.rule = place
    runner = asyncio.create_task(harness.delivery.run())
    await until(lambda: shown(harness))
    assert isinstance(shown(harness)[0], MovedCard) and harness.slept == [2.0, 5.0]
    assert len(harness.messenger.posts) == 1 and await harness.state(job) == "delivered"
    runner.cancel()


async def test_a_link_holds_up_no_shutdown(harness: DeliveryHarness):
    """At the end of the process, a note that waits for another try is given up."""
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    harness._sleep = sleep  # type: ignore[method-assign]
    harness.restart()
    await painted_in(
        harness, lambda call: TemporaryFailure("503") if call.what == "edit" else None, 40
    )
    runner = asyncio.create_task(harness.delivery.run())
    async with asyncio.timeout(5):
        await waiting.wait()
        await harness.delivery.drain(5)
    assert not [each for each in asyncio.all_tasks() if each.get_name().startswith("note-")]
    assert len(harness.messenger.posts) == 1 and shown(harness) == []
    runner.cancel()
