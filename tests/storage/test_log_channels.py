"""Events of a server are written where they happen, and each channel is told those of its kind."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from storage import audit_draft
from storage.audit import AuditLog
from storage.audit_draft import AuditDraft
from storage.blocks import Blocks
from storage.cancelled_painting import FreeCancelling
from storage.database import Database
from storage.erasure.erase import Erasing
from storage.log_channels import LogChannel, LogChannels
from storage.log_entries import REPEATED_WITHIN, LogEvent
from storage.migrate import load_migrations
from storage.pauses import Pauses
from storage.report_messages import ReportMessages
from storage.reports import Reports
from storage.types import QuotaExceeded
from tests.storage.fakes import ALICE, BOB, MODERATOR, PLENTY, OpenStores, new_job, policy

GUILD = ALICE.guild_id
Told = list[tuple[str, int]]


@pytest.fixture
def channels(stores: OpenStores) -> LogChannels:
    return LogChannels(stores.db, stores.clock)


async def acts(stores: OpenStores, action: str, user_id: int) -> None:
    """Let a moderator block a user, as this action."""
    audit_draft.begin(AuditDraft(GUILD, MODERATOR, action, stores.clock()))
    await Blocks(stores.db, stores.clock).block(GUILD, user_id, MODERATOR, None)
    audit_draft.begin(None)


async def told(channels: LogChannels, event: LogEvent) -> Told:
    """Post everything that a kind of events has left; return it."""
    found: Told = []
    while (channel := await channels.of(GUILD, event)) is not None:
        entries = await channels.next_message(GUILD, channel, 10)
        if not entries:
            break
        found += [(each.action, each.actor_id) for each in entries]
        await channels.posted(GUILD, channel, entries[-1].id)
    return found


async def listen(channels: LogChannels, *events: LogEvent) -> None:
    for number, event in enumerate(events, 1):
        await channels.choose(GUILD, event, number, MODERATOR, "en-US")


async def test_a_channel_is_told_each_entry_once(stores: OpenStores, channels: LogChannels) -> None:
    """Entries come oldest first; a message that may have arrived comes again as it was; what a
    closed channel was not told goes to the next one."""

    async def now() -> LogChannel:
        channel = await channels.of(GUILD, LogEvent.AUDIT)
        assert channel is not None
        return channel

    async def following() -> list[int]:
        return [each.id for each in await channels.next_message(GUILD, await now(), 10)]

    await acts(stores, "admin block", 1)  # before the choice
    await channels.choose(GUILD, LogEvent.AUDIT, 7, MODERATOR, "en-US")
    assert await channels.behind() == []
    await acts(stores, "admin block", 2)
    await acts(stores, "admin block", 3)
    first = await following()
    await acts(stores, "admin block", 4)
    assert await channels.behind() == [GUILD]
    assert len(first) == 2 and await following() == first
    old = await now()
    await channels.posted(GUILD, old, first[-1])
    (last,) = await following()
    assert await channels.set_problem(GUILD, old, "forbidden")
    assert not await channels.set_problem(GUILD, old, "forbidden")
    assert (await now()).problem == "forbidden"
    await channels.choose(GUILD, LogEvent.AUDIT, 8, MODERATOR, "en-US")
    assert (await now()).problem is None and await following() == [last]
    await channels.posted(GUILD, old, last)  # late, in the channel from before
    assert await channels.behind() == [GUILD]
    await channels.posted(GUILD, await now(), last)
    assert await channels.behind() == []


async def test_kinds_are_apart(stores: OpenStores, channels: LogChannels) -> None:
    """Blocks go to both of their channels, what else admins do to one; another server's nowhere."""
    await listen(channels, LogEvent.AUDIT, LogEvent.BLOCKS, LogEvent.QUOTA)
    await channels.choose(GUILD + 1, LogEvent.AUDIT, 9, MODERATOR, "en-US")
    await acts(stores, "moderation block", 1)
    await acts(stores, "admin pause", 2)
    both = [("moderation block", MODERATOR), ("admin pause", MODERATOR)]
    assert await told(channels, LogEvent.BLOCKS) == both[:1]
    assert await channels.behind() == [GUILD]
    assert await told(channels, LogEvent.AUDIT) == both
    assert await channels.behind() == [] and await told(channels, LogEvent.QUOTA) == []
    assert [each.event for each in await channels.all_of(GUILD)] == [
        *(LogEvent.AUDIT, LogEvent.BLOCKS, LogEvent.QUOTA)
    ]
    await channels.choose(GUILD, LogEvent.BLOCKS, None, MODERATOR, "en-US")
    assert await channels.of(GUILD, LogEvent.BLOCKS) is None


async def test_what_is_posted_nowhere_is_not_written(stores: OpenStores) -> None:
    """Without a channel for it, nothing is kept of a refusal or a failure."""
    assert isinstance(await stores.jobs.accept(new_job(), policy(0)), QuotaExceeded)
    await stores.jobs.failed((await stores.painting()).id, "oom")
    assert await stores.db.fetch_all("SELECT 1 FROM audit_log") == []


async def test_failures_and_what_the_filter_refuses(
    stores: OpenStores, channels: LogChannels
) -> None:
    """A failed job is written with its failure; one that a filter refused is the filter's. What was
    cancelled is neither."""
    heard: list[int] = []
    stores.db.on_logged = heard.append
    await listen(channels, LogEvent.FAILURES, LogEvent.FILTER)
    for code in ("oom", "filtered", "picture_refused"):
        await stores.jobs.failed((await stores.painting()).id, code, "detail")
    await stores.jobs.cancelled((await stores.painting()).id)
    assert heard == [GUILD] * 3
    (entry,) = await stores.db.fetch_all("SELECT data FROM audit_log WHERE action = 'job failed'")
    assert '"oom"' in entry["data"] and "detail" not in entry["data"]
    assert await told(channels, LogEvent.FAILURES) == [("job failed", ALICE.user_id)]
    assert await told(channels, LogEvent.FILTER) == [("result refused", ALICE.user_id)] * 2
    assert await AuditLog(stores.db, stores.clock).page(GUILD, 10) == ()


async def test_a_repeated_refusal_is_one_event(stores: OpenStores, channels: LogChannels) -> None:
    """Who keeps asking is told of once within some minutes, each member for themselves; looking at
    a quota is no refusal."""
    await listen(channels, LogEvent.QUOTA)
    for _ in range(3):
        await stores.jobs.accept(new_job(), policy(0))
    await stores.quotas.refusal(ALICE, policy(0), 1, answers=True)
    await stores.quotas.refusal(BOB, policy(0), 1)
    assert await told(channels, LogEvent.QUOTA) == [("quota spent", ALICE.user_id)]
    await stores.quotas.refusal(BOB, policy(0), 1, answers=True)
    stores.clock.now += REPEATED_WITHIN + timedelta(seconds=1)
    await stores.jobs.accept(new_job(), policy(0))
    assert await told(channels, LogEvent.QUOTA) == [
        ("quota spent", BOB.user_id),
        ("quota spent", ALICE.user_id),
    ]


async def test_an_erasure_names_nobody(stores: OpenStores, channels: LogChannels) -> None:
    """That somebody was erased is written, without whom; so is what they did before."""
    await listen(channels, LogEvent.ERASURES, LogEvent.FAILURES)
    await stores.jobs.failed((await stores.painting()).id, "oom")
    free = FreeCancelling(600.0, PLENTY)
    await Erasing(stores.db, stores.clock, lambda: free).person(ALICE.user_id)
    assert await told(channels, LogEvent.ERASURES) == [("member erased", 0)]
    assert await told(channels, LogEvent.FAILURES) == [("job failed", 0)]


async def test_a_reply_of_a_reporter(stores: OpenStores, channels: LogChannels) -> None:
    """Moderators learn in the channel of reports that a reporter replied, and where."""
    await listen(channels, LogEvent.REPORTS)
    reports, messages = Reports(stores.db, stores.clock), ReportMessages(stores.db, stores.clock)
    (picture,) = await stores.painted()
    report = await reports.file(picture.id, BOB.user_id, "why")
    await messages.answer(picture.id, MODERATOR, "which part?")
    await messages.reply(picture.id, BOB.user_id, "the left one")
    await reports.posted(report.id, 5, 6)  # type: ignore[union-attr]
    await messages.reply(picture.id, BOB.user_id, "really")
    rows = await stores.db.fetch_all("SELECT data FROM audit_log ORDER BY id")
    assert [row["data"] for row in rows] == [
        f'{{"picture": {picture.id}}}',
        f'{{"picture": {picture.id}, "message": {{"guild": {GUILD}, "channel": 5, "message": 6}}}}',
    ]
    assert await told(channels, LogEvent.REPORTS) == [("report reply", BOB.user_id)] * 2


async def test_posted_events_go_after_a_day(stores: OpenStores, channels: LogChannels) -> None:
    """What a channel was told, or nobody wants any more, is deleted; what admins did stays, and so
    does what waits for a closed channel."""
    await listen(channels, LogEvent.FAILURES, LogEvent.QUOTA)
    await acts(stores, "admin block", 1)
    await stores.jobs.failed((await stores.painting()).id, "oom")
    await stores.jobs.accept(new_job(), policy(0))
    stores.clock.now += timedelta(days=2)
    log = AuditLog(stores.db, stores.clock)
    assert await log.forget(30) == 0
    await told(channels, LogEvent.FAILURES)
    assert await log.forget(30) == 1
    await channels.choose(GUILD, LogEvent.QUOTA, None, MODERATOR, "en-US")
    assert await log.forget(30) == 1
    assert [each.action for each in await log.page(GUILD, 10)] == ["admin block"]


async def test_the_pause_of_a_server_is_no_event(stores: OpenStores, channels: LogChannels) -> None:
    """A request that is refused because the server is paused is not one beyond the quota."""
    await listen(channels, LogEvent.QUOTA)
    await Pauses(stores.db, stores.clock).pause(GUILD, MODERATOR, None)
    await stores.jobs.accept(new_job(), policy(0))
    assert await told(channels, LogEvent.QUOTA) == []


async def test_channels_of_before_are_kept(tmp_path: Path) -> None:
    """The channels of reports, of the audit log and of announcements become kinds of one table, and
    nothing that was posted already is posted again."""
    path = tmp_path / "data" / "zimagine.db"
    path.parent.mkdir()
    before = load_migrations()[:21]
    await (await Database.open(path, migrations=before)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "INSERT INTO audit_log (guild_id, actor_id, action, data, done_at) VALUES "
            "(10, 1, 'admin block', '{}', 1), (10, 1, 'admin block', '{}', 2), "
            "(11, 1, 'admin block', '{}', 3);"
            "INSERT INTO audit_channels VALUES (10, 100, 1, 2, 'zh-CN', 'forbidden', 5, 6);"
            "INSERT INTO announcement_channels VALUES (10, 101, 5, 6);"
            "INSERT INTO server_settings (guild_id, reports_channel_id, set_by, set_at, locale) "
            "VALUES (10, 102, 5, 6, 'zh-CN'), (11, NULL, 5, 6, NULL);"
        )
    stores = await OpenStores.open(path)
    channels = LogChannels(stores.db, stores.clock)
    assert await channels.all_of(10) == (
        LogChannel(LogEvent.REPORTS, 102, 3, 3, "zh-CN"),
        LogChannel(LogEvent.AUDIT, 100, 1, 2, "zh-CN", "forbidden"),
        LogChannel(LogEvent.ANNOUNCEMENTS, 101, 3, 3),
    )
    assert await channels.all_of(11) == () and await channels.behind() == [10]
    (left,) = await channels.next_message(10, (await channels.all_of(10))[1], 10)
    assert left.id == 2
    await stores.db.close()
