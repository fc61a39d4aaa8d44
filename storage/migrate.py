"""Numbered SQL files, applied in order, each in one transaction with its version number."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import aiosqlite

from storage.errors import MigrationFailed, StorageError
from storage.faults import storage_error
from storage.opening import APPLICATION_ID, check_stamp, read_stamp
from storage.settling import settle

_FILE_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from version `number - 1` to version `number`."""

    number: int
    name: str
    sql: str


def load_migrations() -> tuple[Migration, ...]:
    """Load the migrations shipped with this program, in order; ValueError if one is missing."""
    found = []
    for entry in resources.files("storage").joinpath("migrations").iterdir():
        if match := _FILE_NAME.fullmatch(entry.name):
            sql = entry.read_text(encoding="utf-8")
            found.append(Migration(int(match.group(1)), entry.name, sql))
    found.sort(key=lambda migration: migration.number)
    check_numbers(found)
    return tuple(found)


def check_numbers(migrations: Sequence[Migration]) -> None:
    """Raise ValueError unless the migrations are numbered 1, 2, 3 … without gaps or duplicates."""
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations must be numbered from 1 without gaps, not {numbers}")


def statements(sql: str) -> Iterator[str]:
    """Split SQL into its statements; ValueError if the last one is unfinished.

    Semicolons in strings, comments and trigger bodies do not end a statement.
    """
    pending = ""
    for piece in re.split("(?<=;)", sql):
        pending += piece
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if _COMMENT.sub("", pending).strip():
        raise ValueError(f"unfinished SQL statement: {pending.strip()}")


async def migrate(
    connection: aiosqlite.Connection, migrations: Sequence[Migration], path: Path
) -> None:
    """Bring the database to the newest version; a failed step leaves the version before it.

    Two processes may do this at once: each migration is applied by one of them. Raises
    DatabaseTooNew, DataFolderUnusable for another program's database, or MigrationFailed.
    """
    check_numbers(migrations)
    # Enforced foreign keys would stop a migration from rebuilding a table that others refer to, and
    # the pragma does nothing inside a transaction. Each migration's result is checked as a whole.
    await connection.execute("PRAGMA foreign_keys = OFF")
    for migration in migrations:
        if (await read_stamp(connection)).version < migration.number:
            await _apply(connection, migration, path, supported=len(migrations))
    check_stamp(path, await read_stamp(connection), supported=len(migrations))
    await connection.execute("PRAGMA foreign_keys = ON")


async def _apply(
    connection: aiosqlite.Connection, migration: Migration, path: Path, *, supported: int
) -> None:
    await connection.execute("BEGIN IMMEDIATE")
    try:
        stamp = await read_stamp(connection)  # read again: only now is nobody else writing
        check_stamp(path, stamp, supported)
        if stamp.version < migration.number:
            await _run(connection, migration)
        await settle(_commit(connection))
    except BaseException as error:
        if connection.in_transaction:
            await settle(_roll_back(connection))
        if isinstance(error, sqlite3.Error | ValueError):
            raise _failure(error, migration, path) from error
        raise


async def _run(connection: aiosqlite.Connection, migration: Migration) -> None:
    for statement in statements(migration.sql):
        await connection.execute(statement)
    if await connection.execute_fetchall("PRAGMA foreign_key_check"):
        raise ValueError("it would leave dangling references")
    # A pragma takes no parameters; both values are our own integers.
    await connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
    await connection.execute(f"PRAGMA user_version = {migration.number:d}")


def _failure(error: sqlite3.Error | ValueError, migration: Migration, path: Path) -> StorageError:
    meaning = storage_error(error, path) if isinstance(error, sqlite3.Error) else None
    return meaning or MigrationFailed(path, migration.number, str(error))


async def _commit(connection: aiosqlite.Connection) -> None:
    await connection.execute("COMMIT")


async def _roll_back(connection: aiosqlite.Connection) -> None:
    await connection.execute("ROLLBACK")
