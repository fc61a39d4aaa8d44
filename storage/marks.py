"""The mark of a database, which tells its ids from those of every other database."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from storage.database import Reads

MARK_CHARS: Final = 8
"""Hexadecimal digits: two databases in four thousand million share a mark, and a custom_id has room
for it."""

MARKED_SINCE: Final = 9
"""The schema version that introduced the mark."""
_TABLES: Final = ("jobs", "pictures", "proposals")


@dataclass(frozen=True, slots=True)
class DatabaseMark:
    """text: made at random once, and kept by backups of the same database.

    ids_before: by table, the highest id that was given before databases had a mark; such ids are on
    buttons without one. None for a database that has never given ids without a mark.
    """

    text: str
    ids_before: Mapping[str, int] | None = None


async def read_mark(db: Reads) -> DatabaseMark:
    """Return the mark of an open database."""
    row = await db.fetch_one("SELECT * FROM database_mark")
    assert row is not None
    before = {table: row[table] for table in _TABLES if row[table] is not None}
    return DatabaseMark(row["mark"], MappingProxyType(before) if before else None)


def inherit_mark(connection: sqlite3.Connection, replaced: sqlite3.Connection) -> None:
    """Give a database the mark of the one that it replaces, if both were the same once.

    For a backup made before databases had a mark, after its migration. They were the same if the
    random nonce of the backup's first job is the other's too, or if the backup has no jobs.
    Blocking. Raises sqlite3.Error if the replaced database cannot be read or has no mark.
    """
    values = replaced.execute(
        "SELECT mark, jobs, pictures, proposals FROM database_mark"
    ).fetchone()
    first = connection.execute(
        "SELECT job_id, nonce FROM deliveries ORDER BY job_id LIMIT 1"
    ).fetchone()
    if first is not None:
        same = "SELECT 1 FROM deliveries WHERE job_id = ? AND nonce = ?"
        if replaced.execute(same, first).fetchone() is None:
            return
    connection.execute(
        "UPDATE database_mark SET mark = ?, jobs = ?, pictures = ?, proposals = ?", values
    )
