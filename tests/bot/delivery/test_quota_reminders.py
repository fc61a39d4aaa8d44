"""Reminders of quotas are sent once each, when the quota has returned, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.accounts.server_languages import ServerLanguages
from bot.delivery.cards import ReminderCard
from bot.delivery.messenger import Obstacle, TemporaryFailure, Undeliverable
from bot.delivery.quota_reminders import ReminderSender
from storage.blocks import Blocks
from storage.database import Database
from storage.jobs import Jobs
from storage.preferences import Preferences
from storage.quota_reminders import QuotaReminders
from storage.quotas import Quotas
from storage.types import Job, NewJob, Place, PolicySource, QuotaPolicy
from tests.fakes import DIRECT, Call, FakeClock, FakeMessenger, Lost, until

GUILD, HERE, ALICE = 1, 10, 100
PLACE = Place(GUILD, HERE, ALICE)
POLICY = QuotaPolicy(2, 24, PolicySource.CONFIG)


class ReminderHarness:
    """A sender over a real database and a fake messenger."""

    def __init__(self, db: Database) -> None:
        self.clock, self.messenger = FakeClock(), FakeMessenger()
        self.jobs = Jobs(db, self.clock, iter(map(str, range(1000))).__next__)
        self.quotas, self.blocks = Quotas(db, self.clock), Blocks(db, self.clock)
        self.reminders = QuotaReminders(db, self.clock)
        self.languages = ServerLanguages(Preferences(db, self.clock))
        self.served = True
        self.sender = self.restart()

    def restart(self, *, direct_messages: bool = True) -> ReminderSender:
        """Create the sender of the next process."""
        self.sender = ReminderSender(
            self.messenger,
            self.reminders,
            self.quotas,
            self.blocks,
            self.languages,
            lambda: POLICY,
            serves=lambda _: self.served,
            direct_messages=lambda: direct_messages,
            poll_s=60.0,
        )
        return self.sender

    async def used_up(self, pictures: int = 1, *, channel_id: int = HERE) -> int:
        """Use the quota up and set a reminder for so many pictures; return its id."""
        for _ in range(2):
            job = await self.jobs.accept(NewJob(PLACE, "{}", "a boat", 7), POLICY)
            assert isinstance(job, Job)
            self.clock.advance(minutes=1)
        place = Place(GUILD, channel_id, ALICE)
        exceeded = await self.quotas.refusal(place, POLICY, pictures)
        assert exceeded is not None and exceeded.retry_at is not None
        reminder, new = await self.reminders.add(
            place, pictures, exceeded.retry_at, locale="en-US", own_locale="zh-CN"
        )
        assert new
        return reminder.id

    async def round(self) -> None:
        """Let the sender look once, in a process of its own."""
        sender = self.sender
        task = asyncio.create_task(sender.run())
        await until(lambda: sender.idle)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        sender.wake()

    def sent(self) -> list[tuple[int, bool]]:
        """Return the channel of each reminder that was posted, and whether it says so directly."""
        found = []
        for address, card, _ in self.messenger.posts:
            assert isinstance(card, ReminderCard) and card.requester_id == ALICE
            found.append((address.channel_id, card.direct))
        return found


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[ReminderHarness]:
    """An empty database."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield ReminderHarness(db)


async def test_it_comes_when_the_quota_has_returned(harness: ReminderHarness):
    """Nothing is sent before; then one direct message in the member's language, and no second."""
    reminder_id = await harness.used_up()
    await harness.round()
    harness.clock.advance(hours=23)
    await harness.round()
    assert harness.sent() == []
    harness.clock.advance(hours=1)
    await harness.round()
    assert harness.sent() == [(DIRECT + ALICE, True)]
    address, card, _ = harness.messenger.posts[0]
    assert address.locale == "zh-CN" and isinstance(card, ReminderCard)
    assert card.server == "Painters"
    assert await harness.reminders.get(reminder_id) is None
    harness.restart()
    await harness.round()
    assert len(harness.sent()) == 1


async def test_it_waits_for_all_that_was_asked_for(harness: ReminderHarness):
    """Who asked for two pictures is told when two fit, not one."""
    await harness.used_up(2)
    harness.clock.advance(hours=24, minutes=-1, seconds=-30)
    await harness.sender.quota_changed(GUILD, ALICE)
    await harness.round()
    assert harness.sent() == []
    harness.clock.advance(minutes=1)
    await harness.round()
    assert len(harness.sent()) == 1


async def test_what_was_used_meanwhile_postpones_it(harness: ReminderHarness):
    """The quota is looked at again: a reminder whose picture was painted comes later."""
    reminder_id = await harness.used_up()
    harness.clock.advance(hours=23, minutes=58)
    job = await harness.jobs.accept(NewJob(PLACE, "{}", "a boat", 7), POLICY)
    assert isinstance(job, Job)
    await harness.round()
    reminder = await harness.reminders.get(reminder_id)
    assert harness.sent() == [] and reminder is not None
    assert timedelta() < reminder.due_at - harness.clock() <= timedelta(minutes=1)
    harness.clock.now = reminder.due_at
    await harness.round()
    assert len(harness.sent()) == 1


@pytest.mark.parametrize("change", ["grant", "reset", "policy"])
async def test_a_change_sends_it_early(harness: ReminderHarness, change: str):
    """A grant, a reset and a larger quota send it at once; what does not help leaves it."""
    await harness.used_up()
    await harness.sender.quota_changed(GUILD, None)
    await harness.round()
    assert harness.sent() == []
    match change:
        case "grant":
            await harness.quotas.grant(GUILD, ALICE, 5, None, 1)
        case "reset":
            await harness.quotas.reset(GUILD, ALICE)
        case _:
            await harness.quotas.set_user(GUILD, ALICE, 9, 24, 1)
    await harness.sender.quota_changed(GUILD, ALICE)
    await harness.round()
    assert len(harness.sent()) == 1


async def test_what_makes_no_sense_is_dropped(harness: ReminderHarness):
    """A quota of nothing, a block, a server that was left or is not served: nobody is told."""
    for change in ("none", "block", "left", "served"):
        harness.messenger.left.clear()
        harness.served = True
        await harness.quotas.clear_user(GUILD, ALICE)
        await harness.quotas.reset(GUILD, ALICE)
        await harness.blocks.unblock(GUILD, ALICE)
        reminder_id = await harness.used_up()
        match change:
            case "none":
                await harness.quotas.set_user(GUILD, ALICE, 0, 24, 1)
            case "block":
                await harness.blocks.block(GUILD, ALICE, 1, None)
            case "left":
                harness.messenger.left.add(ALICE)
            case _:
                harness.served = False
        harness.clock.advance(hours=25)
        await harness.round()
        assert harness.sent() == [] and await harness.reminders.get(reminder_id) is None, change


def no_direct(call: Call) -> Exception | None:
    """Refuse every direct message, as for a member who takes none."""
    if call.address.channel_id == DIRECT + ALICE:
        return Undeliverable(Obstacle.FORBIDDEN, "50007")
    return None


async def test_without_direct_messages_they_are_mentioned(harness: ReminderHarness):
    """It comes where it was asked for, in the language there; asked for in direct messages, it is
    given up."""
    harness.messenger.rule = no_direct
    await harness.used_up()
    harness.clock.advance(hours=24)
    await harness.round()
    assert harness.sent() == [(HERE, False)] and harness.messenger.posts[0][0].locale == "en-US"
    harness.clock.advance(hours=25)
    reminder_id = await harness.used_up(channel_id=0)
    harness.clock.advance(hours=25)
    await harness.round()
    assert len(harness.sent()) == 1 and await harness.reminders.get(reminder_id) is None


async def test_where_the_owner_wants_no_direct_messages(harness: ReminderHarness):
    """None is tried: the member is mentioned at once."""
    harness.restart(direct_messages=False)
    await harness.used_up()
    harness.clock.advance(hours=24)
    await harness.round()
    assert harness.sent() == [(HERE, False)]


async def test_an_outage_delays_it(harness: ReminderHarness):
    """While Discord is in trouble it stays, and is sent once that is over."""
    reminder_id = await harness.used_up()
    harness.clock.advance(hours=24)
    for _ in range(2):
        harness.messenger.faults.append(TemporaryFailure("503"))  # who is a member
        await harness.round()
        assert harness.sent() == [] and await harness.reminders.get(reminder_id) is not None
    await harness.round()
    assert len(harness.sent()) == 1


async def test_one_that_arrived_is_not_sent_again(harness: ReminderHarness):
    """A post whose answer was lost, and then a restart after minutes: it is found, not repeated."""
    reminder_id = await harness.used_up()
    harness.clock.advance(hours=24)
    harness.messenger.faults += [None, Lost("cut off")]
    await harness.round()
    assert len(harness.sent()) == 1 and await harness.reminders.get(reminder_id) is not None
    harness.messenger.forget_nonces()
    harness.clock.advance(minutes=20)
    harness.restart()
    await harness.round()
    assert len(harness.sent()) == 1 and await harness.reminders.get(reminder_id) is None


async def test_a_clock_that_was_set_back(harness: ReminderHarness):
    """A reminder from the future does not wait for years."""
    await harness.used_up()
    harness.clock.advance(days=-500)
    await harness.quotas.date_back_all()  # as the bot's start does
    await harness.round()
    harness.clock.advance(hours=25)
    await harness.round()
    assert len(harness.sent()) == 1
