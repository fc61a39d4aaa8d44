"""Delivery settings of a job, the thread of an attempt, and why a route was not used."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import MigrationFailed
from storage.migrate import load_migrations, statements
from storage.preferences import Preferences
from storage.types import DeliveryMode, Route
from tests.storage.fakes import ALICE, OpenStores, new_job
from tests.storage.old_databases import NEWER, rows_of, state_of

THREAD, OTHER = 900, 901
SETTINGS = (
    "INSERT INTO server_settings VALUES (10, 'thread', 1, 0, 77, 1, 1)",
    "INSERT INTO channel_settings VALUES (10, 20, 'channel', 0, 1, 1, 1)",
    "INSERT INTO user_settings VALUES (10, 30, 'direct', 1, 30, 2), (10, 31, NULL, NULL, 31, 3)",
    "INSERT INTO threads VALUES (900, 10, 20, 30, 1)",
)
"""Statements that use what the fifth release added."""


async def finished(stores: OpenStores) -> int:
    """Return the id of a finished job that has not been delivered."""
    (picture,) = await stores.painted(new_job(ALICE, delivery=DeliveryMode.THREAD))
    return picture.job_id


@pytest.mark.parametrize("delivery", DeliveryMode)
async def test_what_was_wanted_stays_with_the_job(
    stores: OpenStores, delivery: DeliveryMode
) -> None:
    """A job keeps the settings from when it was requested, whatever is set later."""
    new = new_job(ALICE, delivery=delivery, spoiler=True, quiet=True)
    job = await stores.accept(new)
    assert (job.delivery, job.spoiler, job.quiet) == (delivery, True, True)
    assert await stores.jobs.get(job.id) == job
    plain = await stores.accept(new_job(ALICE))
    assert (plain.delivery, plain.spoiler, plain.quiet) == (DeliveryMode.CHANNEL, False, False)


async def test_a_thread_is_written_down_before_anything_is_sent_there(stores: OpenStores) -> None:
    """The first thread of a route stays with its first time, whatever is requested later."""
    job_id = await finished(stores)
    first = await stores.deliveries.attempt(job_id, Route.THREAD, THREAD)
    stores.clock.advance(hours=1)
    assert (first.route, first.thread_id) == (Route.THREAD, THREAD)
    assert await stores.deliveries.attempt(job_id, Route.THREAD, OTHER) == first
    assert await stores.deliveries.attempt(job_id, Route.EDIT) == first
    missed = await stores.deliveries.missed(job_id)
    assert (missed.thread_id, missed.attempted_at) == (THREAD, stores.clock.now)
    settled = await stores.deliveries.delivered(job_id, 77)
    assert settled.thread_id == THREAD


async def test_a_thread_that_is_gone_makes_room_for_another(stores: OpenStores) -> None:
    """Once the thread is recorded as gone, the next attempt is a first one."""
    job_id = await finished(stores)
    await stores.deliveries.attempt(job_id, Route.THREAD, THREAD)
    gone = await stores.deliveries.thread_gone(job_id)
    assert (gone.route, gone.thread_id) == (Route.THREAD, None)
    later = stores.clock.advance(minutes=5)
    other = await stores.deliveries.attempt(job_id, Route.THREAD, OTHER)
    assert (other.thread_id, other.attempted_at) == (OTHER, later)


async def test_the_first_reason_for_another_road_stays(stores: OpenStores) -> None:
    """Another route has no thread, and keeps the first reason why the wanted one was not used."""
    job_id = await finished(stores)
    await stores.deliveries.attempt(job_id, Route.THREAD, THREAD)
    switched = await stores.deliveries.switch(job_id, Route.EDIT, "archived")
    assert (switched.route, switched.thread_id, switched.fallback_reason) == (
        Route.EDIT,
        None,
        "archived",
    )
    again = await stores.deliveries.switch(job_id, Route.POST, "full")
    assert (again.route, again.fallback_reason) == (Route.POST, "archived")
    assert (await stores.deliveries.delivered(job_id, 77)).fallback_reason == "archived"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE deliveries SET road = 'email'",
        "UPDATE deliveries SET road = 'post', thread_id = 5",
        "UPDATE deliveries SET thread_id = 5",
        "UPDATE jobs SET delivery = 'email'",
        "UPDATE jobs SET spoiler = 2",
        "UPDATE jobs SET quiet = NULL",
    ],
)
async def test_no_hand_written_row_is_unknown(stores: OpenStores, change: str) -> None:
    """The database itself refuses an unknown route, and a thread on any other route."""
    await finished(stores)
    with pytest.raises(sqlite3.IntegrityError):
        async with stores.db.transaction() as transaction:
            await transaction.execute(change)


@pytest.fixture
async def fifth_file(old_file: Path) -> Path:
    """A database of version 5 with every kind of delivery and setting."""
    async with (
        await Database.open(old_file, migrations=load_migrations()[:5]) as db,
        db.transaction() as transaction,
    ):
        for sql in (*NEWER, *SETTINGS):
            assert await transaction.execute(sql) > 0, sql
    return old_file


async def test_every_row_of_the_fifth_version_comes_through(fifth_file: Path) -> None:
    """After the upgrade every row is unchanged, and no job wants anything new."""
    before = rows_of(fifth_file)
    posted = "SELECT guild_id, {} FROM {} WHERE {} ORDER BY 1"
    with closing(sqlite3.connect(fifth_file)) as connection:
        where = ("reports_channel_id", "server_settings", "reports_channel_id IS NOT NULL")
        reports = connection.execute(posted.format(*where)).fetchall()
    stores = await OpenStores.open(fifth_file)
    assert rows_of(fifth_file, before) == before
    moved = await stores.db.fetch_all(
        posted.format("channel_id", "log_channels", "event = 'reports'")
    )
    assert reports and [tuple(row) for row in moved] == reports
    (odd,) = await stores.db.fetch_all(
        "SELECT count(*) AS jobs FROM jobs WHERE delivery <> 'channel' OR spoiler OR quiet"
    )
    assert odd["jobs"] == 0
    assert await stores.db.fetch_all("SELECT 1 FROM deliveries WHERE thread_id OR detour") == []
    levels = await Preferences(stores.db, stores.clock).levels(10, 20, 30)
    assert levels.user is not None
    assert (levels.user.delivery, levels.user.spoiler) == (DeliveryMode.DIRECT, None)
    assert await stores.deliveries.pending()
    await stores.db.close()
    with closing(sqlite3.connect(fifth_file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("applied", range(len(list(statements(load_migrations()[5].sql))) + 1))
async def test_a_failure_anywhere_leaves_the_fifth_version(fifth_file: Path, applied: int) -> None:
    """A failure in any statement of the sixth migration leaves the database unchanged."""
    before = state_of(fifth_file)
    *earlier, sixth = load_migrations()[:6]
    done = list(statements(sixth.sql))[:applied]
    broken = replace(sixth, sql=" ".join((*done, "INSERT INTO nowhere VALUES (1);")))
    with pytest.raises(MigrationFailed):
        await Database.open(fifth_file, migrations=[*earlier, broken])
    assert state_of(fifth_file) == before
