"""Copies of the database without what was erased since they were made. Everything here blocks."""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiosqlite

from storage import backup, folders, opening
from storage.database import COMPACTING, FILE_NAME, Transaction
from storage.erasure import rules
from storage.erasure.persons import person_hash
from storage.erasure.records import Erasure, erasures_in
from storage.errors import DatabaseCorrupt
from storage.faults import translated
from storage.migrate import load_migrations
from storage.settling import settle
from storage.timestamps import to_us

_JOURNALS: Final = ("-wal", "-shm", "-journal")
_HOUR_US: Final = 3_600_000_000
_OWN: Final = "user_id = :user AND (:guild IS NULL OR guild_id = :guild)"
_LIVE: Final = f"SELECT id FROM jobs WHERE {_OWN} AND finished_at IS NULL"
_ENDING: Final = (
    f"UPDATE ledger SET refunded_at = :now WHERE refunded_at IS NULL AND job_id IN ({_LIVE})",
    f"UPDATE jobs SET state = 'cancelled', finished_at = :now WHERE id IN ({_LIVE})",
    "UPDATE deliveries SET state = 'dropped', settled_at = :now, reply_token = NULL "
    f"WHERE state = 'pending' AND job_id IN (SELECT id FROM jobs WHERE {_OWN})",
    "INSERT OR REPLACE INTO erased_usage (job_id, guild_id, person, until) "
    "SELECT job_id, guild_id, :person, charged_at + :window FROM ledger "
    f"WHERE {_OWN} AND refunded_at IS NULL AND charged_at > :now - :window",
)
_RECORD: Final = (
    "INSERT OR REPLACE INTO erasures "
    "(id, person, guild_id, hours, unrecorded, erased_at, purged_at) "
    "VALUES (?, ?, ?, ?, '[]', ?, ?)"
)


def clean_copies(data_dir: Path, known: Sequence[Erasure], now: datetime) -> list[Path]:
    """Erase from every copy in the data folder what it still has; returns the copies it removed.

    These are the nightly backups and the databases that a restore set aside. Each is replaced whole
    or not at all. One that cannot be read is removed: nobody could take anything out of it. Raises
    DiskFull, DataFolderUnusable, DatabaseBusy.
    """
    removed = []
    for path in [*(each.path for each in backup.nightlies(data_dir)), *set_aside(data_dir)]:
        try:
            missing = _missing(path, known)
            if missing:
                _rewrite(path, missing, data_dir, now)
        except DatabaseCorrupt:
            _remove(path)
            removed.append(path)
    return removed


def set_aside(data_dir: Path) -> list[Path]:
    """List the databases that restores have replaced."""
    found = data_dir.absolute().glob(f"{FILE_NAME}.before-*")
    return sorted(each for each in found if not each.name.endswith(_JOURNALS))


def _missing(path: Path, known: Iterable[Erasure]) -> list[Erasure]:
    """Return the erasures that a copy does not know, or of which something may be left in it."""
    with translated(path), closing(opening.look(path)) as connection:
        there = erasures_in(connection, opening.stamp_of(connection).version)
    clean = {each.id for each in there if each.purged_at is not None}
    return [each for each in known if each.id not in clean]


def _rewrite(path: Path, missing: Sequence[Erasure], data_dir: Path, now: datetime) -> None:
    migrations = load_migrations()
    with backup.unfinished(path) as part:
        backup.copy(path, part, supported=len(migrations))
        asyncio.run(backup.bring_up_to_date(part, migrations))
        repeat(part, missing, data_dir, now, purged=True)
        try:
            backup.flush(part)
            folders.replace(part, path)
            _remove_journals(path)
            folders.sync_folder(path.parent)
        except OSError as error:
            raise folders.unusable(path, error) from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        _remove_journals(path)
    except OSError as error:
        raise folders.unusable(path, error) from error


def _remove_journals(path: Path) -> None:
    for ending in _JOURNALS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def repeat(
    part: Path, missing: Sequence[Erasure], data_dir: Path, now: datetime, *, purged: bool
) -> None:
    """Repeat erasures in a copy that nobody else has open, of the newest schema.

    purged: nothing else is left to be done for them. What the copy had waiting of the person is
    cancelled and refunded. DataFolderUnusable without the key by which persons are recognised.
    """
    asyncio.run(_repeat(part, missing, data_dir, now, purged=purged))


async def _repeat(
    part: Path, missing: Sequence[Erasure], data_dir: Path, now: datetime, *, purged: bool
) -> None:
    with translated(part):
        connection = await aiosqlite.connect(part, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            await connection.execute("PRAGMA synchronous = OFF")
            await connection.execute("PRAGMA secure_delete = ON")
            await opening.teach_search(connection)
            await connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection, part)
            users = await _users(transaction, missing, data_dir)
            for erasure in missing:
                await _erase(transaction, erasure, users, to_us(now), purged=purged)
            await connection.execute("COMMIT")
            for sql in COMPACTING:
                await connection.execute(sql)
        finally:
            await settle(connection.close())


async def _users(
    transaction: Transaction, missing: Sequence[Erasure], data_dir: Path
) -> dict[str, int]:
    """Return the persons whom the copy names, by their hashes."""
    if all(each.person is None for each in missing):
        return {}
    found: set[int] = set()
    for sql in rules.person_queries():
        found.update(row[0] for row in await transaction.fetch_all(sql))
    return {person_hash(data_dir, user_id): user_id for user_id in found}


async def _erase(
    transaction: Transaction,
    erasure: Erasure,
    users: dict[str, int],
    now_us: int,
    *,
    purged: bool,
) -> None:
    scope: dict[str, Any] = {"guild": erasure.guild_id, "now": now_us}
    if erasure.person is None:
        for sql in rules.server_statements():
            await transaction.execute(sql, scope)
    elif (user_id := users.get(erasure.person)) is not None:
        window_us = erasure.hours * _HOUR_US
        scope |= {"user": user_id, "person": erasure.person, "window": window_us}
        for sql in (*_ENDING, *rules.person_statements()):
            await transaction.execute(sql, scope)
    await transaction.execute(
        _RECORD,
        (
            erasure.id,
            erasure.person,
            erasure.guild_id,
            erasure.hours,
            erasure.erased_at,
            now_us if purged else None,
        ),
    )
