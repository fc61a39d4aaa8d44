"""Reminders of quotas: one for each member of a server, looked at when they are due."""

from datetime import timedelta

import pytest

from storage.quota_reminders import QuotaReminders
from storage.types import Place
from tests.storage.fakes import ALICE, BOB, OpenStores
from tests.storage.query_plans import plans_of

HOUR = timedelta(hours=1)


@pytest.fixture
def reminders(stores: OpenStores) -> QuotaReminders:
    """Over an empty database."""
    return QuotaReminders(stores.db, stores.clock)


async def add(
    reminders: QuotaReminders, stores: OpenStores, place: Place = ALICE, hours: int = 1
) -> int:
    """Set a reminder for the member; return its id."""
    due_at = stores.clock() + hours * HOUR
    reminder, new = await reminders.add(place, 2, due_at, locale="en-US", own_locale="zh-CN")
    assert new and (reminder.place, reminder.pictures, reminder.due_at) == (place, 2, due_at)
    return reminder.id


async def test_a_member_has_one_reminder(reminders: QuotaReminders, stores: OpenStores) -> None:
    """A second one changes nothing and is answered with the first."""
    first = await add(reminders, stores)
    again, new = await reminders.add(ALICE, 9, stores.clock(), locale="de", own_locale="")
    assert not new and again == await reminders.get(first) and again.pictures == 2
    assert await add(reminders, stores, BOB) != first


async def test_they_are_due_at_their_time(reminders: QuotaReminders, stores: OpenStores) -> None:
    """Only those whose time has come are returned, by their ids, and page by page."""
    first = await add(reminders, stores)
    second = await add(reminders, stores, BOB, hours=2)
    assert await reminders.due(0, 10) == []
    stores.clock.advance(hours=1)
    assert [each.id for each in await reminders.due(0, 10)] == [first]
    stores.clock.advance(hours=1)
    assert [each.id for each in await reminders.due(0, 1)] == [first]
    assert [each.id for each in await reminders.due(first, 10)] == [second]
    await reminders.postpone(second, stores.clock() + HOUR)
    assert await reminders.due(first, 10) == []
    await reminders.remove(first)
    assert await reminders.due(0, 10) == [] and await reminders.get(first) is None


async def test_a_changed_quota_hurries(reminders: QuotaReminders, stores: OpenStores) -> None:
    """One member's reminder is due at once, or all of a server; one that is overdue stays so."""
    first, second = await add(reminders, stores), await add(reminders, stores, BOB)
    assert await reminders.hurry(ALICE.guild_id, ALICE.user_id) == 1
    assert [each.id for each in await reminders.due(0, 10)] == [first]
    assert await reminders.hurry(ALICE.guild_id + 1, None) == 0
    assert await reminders.hurry(ALICE.guild_id, None) == 2
    assert [each.id for each in await reminders.due(0, 10)] == [first, second]


async def test_the_first_attempt_is_kept(reminders: QuotaReminders, stores: OpenStores) -> None:
    """Later attempts keep the time of the first, from which its message is looked for; a reminder
    that is gone is not sent."""
    reminder_id, began = await add(reminders, stores), stores.clock()
    for _ in range(2):
        reminder = await reminders.attempt(reminder_id)
        assert reminder is not None and reminder.attempted_at == began
        stores.clock.advance(minutes=5)
    await reminders.remove(reminder_id)
    assert await reminders.attempt(reminder_id) is None


async def test_a_clock_that_was_ahead(reminders: QuotaReminders, stores: OpenStores) -> None:
    """A reminder from the future is due as long after now as it was meant to be."""
    reminder_id = await add(reminders, stores)
    assert await reminders.date_back() == 0
    stores.clock.advance(days=-400)
    assert await reminders.date_back() == 1
    reminder = await reminders.get(reminder_id)
    assert reminder is not None and reminder.due_at == stores.clock() + HOUR


async def test_looking_for_them_reads_an_index(
    reminders: QuotaReminders, stores: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are waiting, only those that are due are read."""
    plans = await plans_of(stores, monkeypatch, reminders.due(0, 10))
    assert len(plans) == 1 and "INDEX quota_reminders_due (due_at<?)" in plans[0]
