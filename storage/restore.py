"""Putting a backup in the database's place, so that whatever is interrupted can be done again."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import aiosqlite

from storage import backup, folders, opening
from storage.database import FILE_NAME
from storage.errors import DatabaseBusy, DataFolderUnusable
from storage.faults import translated
from storage.migrate import Migration, load_migrations, migrate
from storage.settling import settle
from storage.timestamps import from_us_or_none, to_us
from storage.types import Clock, utc_now

RESTORED: Final = "restored"
"""The error code of a job that was not finished when the backup was made."""

UNKNOWN_IDS: Final = 100_000
"""How far ids jump ahead where nobody can tell which of them were given since the backup."""

_BESIDE: Final = ("-wal", "-shm", "-journal")
_SHARED_BYTES: Final = (510, 0x40000002)
"""Length and start of the bytes that every connection of SQLite's keeps locked."""


@dataclass(frozen=True, slots=True)
class RestoreFacts:
    """What was restored.

    `newest_at` is the last thing that the backup knows of; None where it knows of nothing.
    `given_up` jobs were not finished in it. `set_aside` is where the replaced database lies.
    """

    pictures: int
    newest_at: datetime | None
    given_up: int
    set_aside: Path | None


@dataclass(frozen=True, slots=True)
class _Ids:
    """The highest ids that were given, by table, and how many more there may have been."""

    highest: Mapping[str, int]
    gap: int


async def restore(data_dir: Path, source: Path, *, clock: Clock = utc_now) -> RestoreFacts:
    """Make the backup at `source` the database of the data folder.

    The caller holds the DataFolderLock. The backup stays as it is; the database that is replaced
    is set aside with its journal, never deleted. Nothing that may have been painted or posted
    since the backup happens twice: what was not finished has failed and is refunded, what was not
    delivered is kept, and no id is given again. Killed at any instant, either nothing has
    happened, or opening the database raises RestoreUnfinished until this is called again, or all
    is done. Raises DataFolderUnusable, DatabaseCorrupt or DatabaseTooNew for the backup, DiskFull,
    MigrationFailed, DatabaseBusy while another program has the database open.
    """
    # To its end: the caller gives the lock back as soon as this returns.
    return await settle(asyncio.to_thread(_restore, data_dir, source, clock()))


def _restore(data_dir: Path, source: Path, now: datetime) -> RestoreFacts:
    live, source = data_dir.absolute() / FILE_NAME, source.absolute()
    if source.exists() and live.exists() and source.samefile(live):
        raise DataFolderUnusable(source, "it is the database itself")
    folders.make_private(live.parent)
    _sweep(live, now)
    moment = _moment(live, now)
    migrations = load_migrations()
    with backup.unfinished(live) as part:
        pictures = backup.copy(source, part, supported=len(migrations), pragma="integrity_check")
        asyncio.run(_bring_up_to_date(part, migrations))
        if opening.restoring_file(live).exists():
            # The old database may have been torn from its journal, which knows the newest ids.
            with _nobody_else(live):
                _set_aside(live, moment)
        newest_at, given_up = _give_up(part, _ids_given(live, moment), now)
        set_aside = _swap(part, live, moment)
    return RestoreFacts(pictures, newest_at, given_up, set_aside)


def _sweep(live: Path, now: datetime) -> None:
    for leftover in backup.leftovers(live.parent, now, min_age_s=None):
        if leftover.parent == live.parent:
            leftover.unlink(missing_ok=True)


async def _bring_up_to_date(part: Path, migrations: tuple[Migration, ...]) -> None:
    with translated(part):
        connection = await aiosqlite.connect(part, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            await connection.execute("PRAGMA synchronous = OFF")  # flushed as a whole, in the end
            await opening.teach_search(connection)
            await migrate(connection, migrations, part)
        finally:
            await settle(connection.close())


def _set_aside_file(live: Path, moment: datetime) -> Path:
    return live.with_name(f"{live.name}.before-{backup.stamp(moment)}")


def _moment(live: Path, now: datetime) -> datetime:
    """When the restore began that this one completes, or a second that no earlier one has."""
    restoring = opening.restoring_file(live)
    if restoring.exists():
        return datetime.fromtimestamp(restoring.stat().st_mtime, UTC).replace(microsecond=0)
    moment = now.replace(microsecond=0)
    while any(live.parent.glob(f"{_set_aside_file(live, moment).name}*")):
        moment += timedelta(seconds=1)
    return moment


def _ids_given(live: Path, moment: datetime) -> _Ids:
    """What the replaced database knows of ids, be it damaged."""
    old = live if live.exists() else _set_aside_file(live, moment)
    highest, sound = {}, False
    with contextlib.suppress(sqlite3.Error):
        if old.exists():
            with closing(opening.look(old)) as connection:
                found = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
                highest = {name: seq for name, seq in found if isinstance(seq, int)}
                sound = opening.damage(connection) is None
    # Each unreadable database before this one may have begun above a gap of its own.
    earlier = sum(path != old for path in live.parent.glob(f"{live.name}.before-*Z"))
    return _Ids(highest, gap=0 if sound else UNKNOWN_IDS * (1 + earlier))


def _give_up(part: Path, ids: _Ids, now: datetime) -> tuple[datetime | None, int]:
    """Close what the backup left open, and set the ids; when it ends, and how many jobs that were.

    Nobody knows what was painted and posted of them since.
    """
    now_us = to_us(now)
    with translated(part), closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        (newest_us,) = connection.execute(
            "SELECT max(max(accepted_at, coalesce(finished_at, accepted_at))) FROM jobs"
        ).fetchone()
        connection.execute(
            "UPDATE ledger SET refunded_at = ? WHERE refunded_at IS NULL "
            "AND job_id IN (SELECT id FROM jobs WHERE finished_at IS NULL)",
            (now_us,),
        )
        given_up = connection.execute(
            "UPDATE jobs SET state = 'failed', finished_at = ?, error_code = ?, "
            "error_detail = 'restored from a backup' WHERE finished_at IS NULL",
            (now_us, RESTORED),
        ).rowcount
        connection.execute(
            "UPDATE deliveries SET state = 'kept', settled_at = ?, reply_token = NULL, "
            "detail = 'restored from a backup' WHERE state = 'pending'",
            (now_us,),
        )
        # Some of them may have been taken since.
        connection.execute("DELETE FROM proposals")
        for table in ("jobs", "pictures", "proposals"):
            _raise_ids(connection, table, ids)
        connection.execute("COMMIT")
    return from_us_or_none(newest_us), given_up


def _raise_ids(connection: sqlite3.Connection, table: str, ids: _Ids) -> None:
    """Buttons in old messages carry ids: none may mean something else tomorrow."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    own = next(iter(found.fetchone() or (0,)))
    highest = max(own, ids.highest.get(table, 0)) + ids.gap
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest))


def _swap(part: Path, live: Path, moment: datetime) -> Path | None:
    """Set the old database aside and put the copy in its place; returns where the old one is.

    From the first renaming to the last, the finished copy lies where it keeps everybody from
    opening what is between old and new.
    """
    restoring = opening.restoring_file(live)
    with _nobody_else(live):
        # The moment goes with the file, so that a second attempt takes the same names.
        os.utime(part, (moment.timestamp(), moment.timestamp()))
        backup.flush(part)
        part.replace(restoring)
        folders.sync_folder(live.parent)
        _set_aside(live, moment)
        restoring.replace(live)
        folders.sync_folder(live.parent)
    old = _set_aside_file(live, moment)
    return old if old.exists() else None


def _set_aside(live: Path, moment: datetime) -> None:
    set_aside = _set_aside_file(live, moment)
    # The journal first: at no instant may the new file lie beside the old one's. All keep their
    # endings, so that SQLite finds the journal of what was set aside.
    for ending in (*_BESIDE, ""):
        old = live.with_name(live.name + ending)
        if old.exists():
            old.replace(set_aside.with_name(set_aside.name + ending))
    folders.sync_folder(live.parent)


@contextmanager
def _nobody_else(live: Path) -> Iterator[None]:
    """Hold the lock that every open connection shares; DatabaseBusy where somebody has one.

    A program that keeps the old file open would later remove the new one's journal by its name.
    What fails inside becomes DataFolderUnusable or DiskFull.
    """
    try:
        with contextlib.ExitStack() as stack:
            if os.name == "posix" and live.exists():  # Windows renames no file that is open
                _lock_all(stack.enter_context(live.open("rb+")), live)
            yield
    except OSError as error:
        raise folders.unusable(live, error) from error


def _lock_all(file: BinaryIO, live: Path) -> None:
    import fcntl

    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *_SHARED_BYTES)
    except (BlockingIOError, PermissionError):
        raise DatabaseBusy(live, "another program has it open") from None
