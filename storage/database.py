"""One SQLite file: a single writer with transaction(), and a reader beside it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol, Self

import aiosqlite

from storage import audit_draft, folders, opening
from storage.durability import GroupFlush, flush_file
from storage.errors import DatabaseClosed
from storage.faults import translated
from storage.migrate import Migration, load_migrations, migrate
from storage.settling import settle

Parameters = Sequence[Any] | Mapping[str, Any]


class Reads(Protocol):
    """A source of rows: the database, or a transaction in it."""

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None: ...

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]: ...


class Transaction:
    """The writer connection for the duration of one transaction; refuses any use after its end."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._ended = False
        self.logged_in: set[int] = set()

    @property
    def data_dir(self) -> Path:
        """The folder of the database."""
        return self._path.parent

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a statement that returns no rows; returns how many rows it changed."""
        self._check()
        with translated(self._path):
            cursor = await self._connection.execute(sql, parameters)
        return cursor.rowcount

    async def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """Insert one row and return its id."""
        self._check()
        with translated(self._path):
            cursor = await self._connection.execute(sql, parameters)
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """Return the first row of the result, or None; also for statements with RETURNING."""
        return next(iter(await self.fetch_all(sql, parameters)), None)

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of the result; also for statements with RETURNING."""
        self._check()
        return await _fetch(self._connection, self._path, sql, parameters)

    def logged(self, guild_id: int) -> None:
        """Note that the log of a server has a new entry."""
        self.logged_in.add(guild_id)

    def end(self) -> None:
        """Refuse further use: another statement would run outside any transaction."""
        self._ended = True

    def _check(self) -> None:
        if self._ended:
            raise RuntimeError("this transaction has ended")


COMPACTING: Final = (
    # The indexes still have the words of what was taken out of them, until their parts are merged.
    "INSERT INTO pictures_search (pictures_search) VALUES ('optimize')",
    "INSERT INTO shown_search (shown_search) VALUES ('optimize')",
    "VACUUM",
)
"""Statements, outside any transaction, after which a database holds nothing but its rows."""

FILE_NAME: Final = "zimagine.db"
"""Name of the database file in the data folder."""


class Database:
    """An open database; every write goes through transaction()."""

    def __init__(
        self,
        path: Path,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        flush: Callable[[Path], None] = flush_file,
    ) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader
        self._lock = asyncio.Lock()
        self._log = GroupFlush(path.with_name(f"{path.name}-wal"), flush)
        self._owner: asyncio.Task[Any] | None = None
        self._closed = False
        self.on_logged: Callable[[int], object] = _ignore
        """Called with the id of a server whose log has a new entry, once that is committed."""

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        busy_timeout_s: float = 5.0,
        check: bool = False,
        migrations: Sequence[Migration] | None = None,
        flush: Callable[[Path], None] = flush_file,
    ) -> Self:
        """Open the database file, creating and migrating it as needed.

        Another process may have it open at the same time; `busy_timeout_s` is how long to wait for
        its lock (the default was chosen by hand). `check` reads the whole file first, so that
        damage anywhere in it raises DatabaseCorrupt now rather than in the middle of some
        operation. `migrations` defaults to those of this program; `flush` puts the write-ahead log
        on disk. Raises DataFolderUnusable, DatabaseTooNew, DatabaseCorrupt, DatabaseBusy,
        RestoreUnfinished, MigrationFailed, DiskFull or SqliteTooOld; a newer or corrupt file is
        left untouched, byte for byte.
        """
        if migrations is None:
            migrations = await asyncio.to_thread(load_migrations)
        path = await asyncio.to_thread(opening.inspect, path, len(migrations))
        if check:
            await asyncio.to_thread(opening.check_sound, path)
        with translated(path):
            writer = await opening.connect_writer(path, busy_timeout_s, len(migrations))
            try:
                await migrate(writer, migrations, path)
                reader = await opening.connect_reader(path, busy_timeout_s)
            except BaseException:
                await settle(writer.close())
                raise
        return cls(path, writer, reader, flush)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait for the running transaction and close; a second call does nothing."""
        self._refuse_nesting()
        await settle(self._close())

    async def _close(self) -> None:
        async with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                await self._reader.close()
            finally:
                await self._writer.close()

    @asynccontextmanager
    async def transaction(self, *, bookkeeping: bool = False) -> AsyncIterator[Transaction]:
        """Write everything inside the block together, or nothing at all.

        One at a time, in this process and among all others. Leaving the block normally means that
        the transaction is committed and on disk. An exception means that nothing was written, with
        one exception: if a cancellation arrives while COMMIT is running, COMMIT is completed before
        CancelledError propagates. Transactions do not nest. DataFolderUnusable or DiskFull also if
        the disk refuses to store what was committed.

        The audit entry of an administrative action (`audit_draft`) is written with the first
        transaction that changes a row. bookkeeping: this is none of those, because it keeps only
        what the bot itself needs, such as an open question.
        """
        self._refuse_nesting()
        draft = None if bookkeeping else audit_draft.due_draft()
        async with self._lock:
            self._check_open()
            self._owner = asyncio.current_task()
            transaction = Transaction(self._writer, self.path)
            try:
                # Statements run on one thread in the order they were submitted, even when nothing
                # awaits them any more. So a cancellation at any await below is followed by
                # ROLLBACK, whatever was still running, and the lock is released only after that.
                with translated(self.path):
                    await self._writer.execute("BEGIN IMMEDIATE")
                before = 0 if draft is None else await _changes(transaction)
                yield transaction
                audited = draft is not None and await _changes(transaction) > before
                if draft is not None and audited:
                    await draft.write(transaction)
                transaction.end()
                await settle(self._commit())
            except BaseException:
                transaction.end()
                await settle(self._roll_back())
                raise
            finally:
                self._owner = None
        if draft is not None and audited:
            draft.committed()
        for guild_id in transaction.logged_in:
            self.on_logged(guild_id)
        try:
            await settle(self._log.reached())
        except OSError as error:
            raise folders.unusable(self.path, error) from error

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """Return the first row of the result, or None, without waiting for the writer."""
        return next(iter(await self.fetch_all(sql, parameters)), None)

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of the result, as last committed, without waiting for the writer."""
        self._check_open()
        return await _fetch(self._reader, self.path, sql, parameters)

    async def compact(self) -> bool:
        """Write the database anew, so that nothing deleted is left in it, and empty its log.

        False if somebody else was reading the log: then it is emptied by a later call. Takes the
        time of copying the whole file, in which nothing else is written, and as much space again.
        Raises DiskFull, DatabaseBusy, DataFolderUnusable.
        """
        self._refuse_nesting()
        async with self._lock:
            self._check_open()
            return await settle(self._compact())

    async def _compact(self) -> bool:
        with translated(self.path):
            for sql in COMPACTING:
                await self._writer.execute(sql)
            ((busy, *_),) = await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy

    async def _commit(self) -> None:
        with translated(self.path):
            await self._writer.execute("COMMIT")

    async def _roll_back(self) -> None:
        # There is nothing to roll back when BEGIN failed, when COMMIT succeeded, or when SQLite
        # rolled back automatically, as on a full disk. SQLite reports an error then.
        with suppress(sqlite3.OperationalError):
            await self._writer.execute("ROLLBACK")

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseClosed(self.path)

    def _refuse_nesting(self) -> None:
        if self._owner is not None and self._owner is asyncio.current_task():
            raise RuntimeError("this task is already in a transaction and would wait for itself")


def _ignore(_guild_id: int) -> None:
    pass


async def _changes(transaction: Transaction) -> int:
    """Return how many rows the connection has changed since it was opened."""
    row = await transaction.fetch_one("SELECT total_changes()")
    assert row is not None
    return row[0]


async def _fetch(
    connection: aiosqlite.Connection, path: Path, sql: str, parameters: Parameters
) -> list[sqlite3.Row]:
    # All at once, so that no half-read result keeps an old snapshot, and thus the WAL, alive.
    with translated(path):
        rows: Iterable[sqlite3.Row] = await connection.execute_fetchall(sql, parameters)
    return list(rows)
