"""Replace the database with a backup, in steps that can be repeated after an interruption."""

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

from storage import backup, folders, opening
from storage.database import FILE_NAME
from storage.erasure import copies, records
from storage.errors import DatabaseBusy, DataFolderUnusable
from storage.faults import translated
from storage.marks import MARKED_SINCE, inherit_mark
from storage.migrate import load_migrations
from storage.settling import settle
from storage.timestamps import from_us_or_none, to_us
from storage.types import Clock, utc_now

RESTORED: Final = "restored"
"""Error code of a job that was unfinished when the backup was made."""

UNKNOWN_IDS: Final = 100_000
"""How far ids jump ahead if it is unknown which were used since the backup. Chosen by hand."""

_BESIDE: Final = ("-wal", "-shm", "-journal")
_SHARED_BYTES: Final = (510, 0x40000002)
"""Length and start of the byte range that every SQLite connection keeps locked."""


@dataclass(frozen=True, slots=True)
class RestoreFacts:
    """The result of a restore.

    `newest_at` is the latest time recorded in the backup; None if it is empty. `given_up` counts
    its unfinished jobs. `set_aside` is the path of the replaced database. `erased_again` counts the
    erasures since the backup, which were repeated in it.
    """

    pictures: int
    newest_at: datetime | None
    given_up: int
    set_aside: Path | None
    erased_again: int = 0


@dataclass(frozen=True, slots=True)
class _Ids:
    """The highest ids used, by table, and how many more there may have been."""

    highest: Mapping[str, int]
    gap: int


async def restore(data_dir: Path, source: Path, *, clock: Clock = utc_now) -> RestoreFacts:
    """Make the backup at `source` the database of the data folder.

    The caller holds the DataFolderLock. The backup is left as it is; the replaced database is set
    aside with its journal, never deleted. Nothing that may have been generated or posted since the
    backup happens twice: unfinished jobs fail and are refunded, undelivered results are kept in the
    history, and no id is used again. Whoever was erased since the backup is erased from it again.
    If killed at any instant, either nothing has happened, or
    opening the database raises RestoreUnfinished until this is called again, or everything is done.
    Raises DataFolderUnusable, DatabaseCorrupt or DatabaseTooNew for the backup, DiskFull,
    MigrationFailed, DatabaseBusy while another program has the database open; DataFolderUnusable if
    the list of erasures or its key cannot be read: nobody could tell whom to erase.
    """
    # Run to completion even if cancelled: the caller releases the lock as soon as this returns.
    return await settle(asyncio.to_thread(_restore, data_dir, source, clock()))


def _restore(data_dir: Path, source: Path, now: datetime) -> RestoreFacts:
    live, source = data_dir.absolute() / FILE_NAME, source.absolute()
    if source.exists() and live.exists() and source.samefile(live):
        raise DataFolderUnusable(source, "it is the database itself")
    folders.ensure(live.parent)
    _sweep(live, now)
    moment = _moment(live, now)
    migrations = load_migrations()
    with backup.unfinished(live) as part:
        pictures = backup.copy(source, part, supported=len(migrations), pragma="integrity_check")
        unmarked = _version(part) < MARKED_SINCE
        asyncio.run(backup.bring_up_to_date(part, migrations))
        if opening.restoring_file(live).exists():
            # The old database may have been separated from its journal, which holds the newest ids.
            with _nobody_else(live):
                _set_aside(live, moment)
        if unmarked:
            _inherit_mark(part, _replaced(live, moment))
        again = _erase_again(part, live, moment, now)
        newest_at, given_up = _give_up(part, _ids_given(live, moment), now)
        set_aside = _swap(part, live, moment)
    return RestoreFacts(pictures, newest_at, given_up, set_aside, again)


def _erase_again(part: Path, live: Path, moment: datetime, now: datetime) -> int:
    """Repeat the erasures that a backup does not know; returns how many."""
    known = {each.id: each for each in records.read_list(live.parent)}
    old = _replaced(live, moment)
    with contextlib.suppress(sqlite3.Error):
        if old.exists():
            with closing(opening.look(old)) as connection:
                version = opening.stamp_of(connection).version
                known |= {each.id: each for each in records.erasures_in(connection, version)}
    with translated(part), closing(sqlite3.connect(part, isolation_level=None)) as connection:
        there = records.erasures_in(connection, opening.stamp_of(connection).version)
    missing = [each for each in known.values() if each.id not in {one.id for one in there}]
    if missing:
        # What may be left of them elsewhere is purged at the next start.
        copies.repeat(part, missing, live.parent, now, purged=False)
    return len(missing)


def _sweep(live: Path, now: datetime) -> None:
    for leftover in backup.leftovers(live.parent, now, min_age_s=None):
        if leftover.parent == live.parent:
            leftover.unlink(missing_ok=True)


def _set_aside_file(live: Path, moment: datetime) -> Path:
    return live.with_name(f"{live.name}.before-{backup.stamp(moment)}")


def _moment(live: Path, now: datetime) -> datetime:
    """Return when the restore being completed began, or a second that no earlier one used."""
    restoring = opening.restoring_file(live)
    if restoring.exists():
        return datetime.fromtimestamp(restoring.stat().st_mtime, UTC).replace(microsecond=0)
    moment = now.replace(microsecond=0)
    while any(live.parent.glob(f"{_set_aside_file(live, moment).name}*")):
        moment += timedelta(seconds=1)
    return moment


def _replaced(live: Path, moment: datetime) -> Path:
    """Return where the database that is being replaced lies now, if there is one."""
    return live if live.exists() else _set_aside_file(live, moment)


def _version(part: Path) -> int:
    with translated(part), closing(sqlite3.connect(part, isolation_level=None)) as connection:
        return opening.stamp_of(connection).version


def _inherit_mark(part: Path, old: Path) -> None:
    """Keep the mark that buttons carry, if the backup is older than the mark of its database."""
    if not old.exists():
        return
    # Without the old mark, those buttons are answered as another database's: they do no harm.
    with (
        translated(part),
        closing(sqlite3.connect(part, isolation_level=None)) as connection,
        contextlib.suppress(sqlite3.Error),
        closing(opening.look(old)) as replaced,
    ):
        inherit_mark(connection, replaced)


def _ids_given(live: Path, moment: datetime) -> _Ids:
    """Return the ids that the replaced database used, even if it is damaged."""
    old = _replaced(live, moment)
    highest, sound = {}, False
    with contextlib.suppress(sqlite3.Error):
        if old.exists():
            with closing(opening.look(old)) as connection:
                found = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
                highest = {name: seq for name, seq in found if isinstance(seq, int)}
                sound = opening.damage(connection) is None
    # Each unreadable database before this one may have added a gap of its own.
    earlier = sum(path != old for path in live.parent.glob(f"{live.name}.before-*Z"))
    return _Ids(highest, gap=0 if sound else UNKNOWN_IDS * (1 + earlier))


def _give_up(part: Path, ids: _Ids, now: datetime) -> tuple[datetime | None, int]:
    """Close what the backup left open, and raise ids; returns its newest time and the job count.

    Whether they were finished and posted since the backup is unknown.
    """
    now_us = to_us(now)
    with translated(part), closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        opening.teach_search_now(connection)  # a delivery that ends may be shown, and found
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
        # What was due has been sent since; what waited to be sent is looked for on Discord first.
        connection.execute("DELETE FROM quota_reminders WHERE due_at <= ?", (now_us,))
        connection.execute(
            "UPDATE report_messages SET attempted_at = coalesce(attempted_at, written_at) "
            "WHERE state = 'waiting'"
        )
        # Some of them may have been accepted since.
        connection.execute("DELETE FROM proposals")
        for table in ("jobs", "pictures", "proposals"):
            _raise_ids(connection, table, ids)
        connection.execute("COMMIT")
    return from_us_or_none(newest_us), given_up


def _raise_ids(connection: sqlite3.Connection, table: str, ids: _Ids) -> None:
    """Raise a table's next id: old messages' buttons carry ids, which must never be reused."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    own = next(iter(found.fetchone() or (0,)))
    highest = max(own, ids.highest.get(table, 0)) + ids.gap
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest))


def _swap(part: Path, live: Path, moment: datetime) -> Path | None:
    """Set the old database aside and put the copy in its place; returns the old one's path.

    From the first rename to the last, the finished copy is where it keeps everyone from opening the
    database.
    """
    restoring = opening.restoring_file(live)
    with _nobody_else(live):
        # The time is stored with the file, so that a second attempt uses the same names.
        os.utime(part, (moment.timestamp(), moment.timestamp()))
        backup.flush(part)
        folders.replace(part, restoring)
        folders.sync_folder(live.parent)
        _set_aside(live, moment)
        folders.replace(restoring, live)
        folders.sync_folder(live.parent)
    old = _set_aside_file(live, moment)
    return old if old.exists() else None


def _set_aside(live: Path, moment: datetime) -> None:
    set_aside = _set_aside_file(live, moment)
    # The journal first: the new file must never be next to the old one's journal. All keep their
    # suffixes, so that SQLite finds the journal of the database that was set aside.
    for ending in (*_BESIDE, ""):
        old = live.with_name(live.name + ending)
        if old.exists():
            old.replace(set_aside.with_name(set_aside.name + ending))
    folders.sync_folder(live.parent)


@contextmanager
def _nobody_else(live: Path) -> Iterator[None]:
    """Hold the lock that every open connection shares; DatabaseBusy if anyone has one.

    A program that still has the old file open would later delete the new one's journal by name.
    Errors inside the block become DataFolderUnusable or DiskFull.
    """
    try:
        with contextlib.ExitStack() as stack:
            if os.name == "posix" and live.exists():  # Windows cannot rename a file that is open
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
