"""The owner is alerted to trouble, but not flooded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.delivery.alerts import AnotherCopy, RestartNeeded, SettingsRefused
from bot.delivery.cards import AlertCard
from bot.delivery.messenger import TemporaryFailure
from bot.delivery.owner_alerts import REPEAT_AFTER, OwnerAlerts
from bot.i18n import words
from bot.wording.alerts import alert_sentence
from storage.errors import DatabaseBusy, DiskFull
from tests.fakes import DIRECT, FakeClock, FakeMessenger

FULL, STILL_FULL = DiskFull(Path("x"), "no space left"), DiskFull(Path("y"), "no space left")


async def owners() -> frozenset[int]:
    """Return the ids of two owners."""
    return frozenset({1, 2})


def owner_alerts_and_fakes() -> tuple[OwnerAlerts, FakeMessenger, FakeClock]:
    """Return owner alerts, and the fake messenger and clock behind them."""
    messenger, clock = FakeMessenger(), FakeClock()
    nonces = iter(str(number) for number in range(100))
    return OwnerAlerts(messenger, owners, clock=clock, nonce=lambda: next(nonces)), messenger, clock


async def test_every_owner_is_told_once_in_a_while():
    """The same kind of alert is sent once in six hours; another kind is sent at once."""
    owner_alerts, messenger, clock = owner_alerts_and_fakes()
    for _ in range(3):
        await owner_alerts.alert(FULL)
    assert [address.channel_id for address, _, _ in messenger.posts] == [DIRECT + 1, DIRECT + 2]
    await owner_alerts.alert(AnotherCopy())
    assert len(messenger.posts) == 4
    clock.advance(REPEAT_AFTER.total_seconds())
    await owner_alerts.alert(STILL_FULL)
    assert messenger.posts[-1][1] == AlertCard(STILL_FULL)


async def test_what_an_owner_did_is_answered_each_time():
    """A second mistake in the settings is told within the six hours, but the same one is not."""
    owner_alerts, messenger, _ = owner_alerts_and_fakes()
    alerts = (SettingsRefused("One."), SettingsRefused("Two."), RestartNeeded(("engine.model",)))
    for alert in (*alerts, *alerts):
        await owner_alerts.alert(alert)
    assert [card for _, card, _ in messenger.posts[::2]] == [AlertCard(each) for each in alerts]


async def test_who_could_not_be_reached_is_told_later():
    """An alert that Discord did not take does not count as sent."""
    owner_alerts, messenger, _ = owner_alerts_and_fakes()
    messenger.faults = [TemporaryFailure("503")]
    await owner_alerts.alert(FULL)
    assert messenger.posts == []
    await owner_alerts.alert(FULL)
    assert len(messenger.posts) == 2


async def test_a_short_jam_is_no_alarm():
    """A full disk causes an alert; a database that is busy for a moment does not."""
    owner_alerts, messenger, _ = owner_alerts_and_fakes()
    owner_alerts.storage_failed(DatabaseBusy(Path("x"), "locked"))
    await asyncio.sleep(0.01)
    assert messenger.posts == []
    owner_alerts.storage_failed(FULL)
    await asyncio.sleep(0.01)
    assert len(messenger.posts) == 2


async def test_a_clock_set_back_silences_no_alert():
    """An alert sent while the clock was a year ahead does not keep the next one back for a year."""
    owner_alerts, messenger, clock = owner_alerts_and_fakes()
    clock.advance(days=365)
    await owner_alerts.alert(FULL)
    clock.advance(days=-365)
    await owner_alerts.alert(STILL_FULL)
    assert len(messenger.posts) == 4
    await owner_alerts.alert(STILL_FULL)
    assert len(messenger.posts) == 4


async def test_owners_read_their_language():
    """An alert is in the language that the bot was started in."""
    messenger, clock = FakeMessenger(), FakeClock()
    owner_alerts = OwnerAlerts(messenger, owners, clock=clock, nonce=lambda: "1", locale="zh-CN")
    await owner_alerts.alert(AnotherCopy())
    assert {address.locale for address, _, _ in messenger.posts} == {"zh-CN"}
    for alert in (AnotherCopy(), FULL):
        said = alert_sentence(alert, words("zh-CN"))
        assert said != alert_sentence(alert, words()) and "。" in said
