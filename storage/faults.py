"""Translates SQLite's errors into errors of storage."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DataFolderUnusable,
    DiskFull,
    StorageError,
)

_PRIMARY: Final = 0xFF
"""Mask for the low byte of an extended result code, which is its primary code."""

_ERRORS: Final[dict[int, type[StorageError]]] = {
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_CORRUPT: DatabaseCorrupt,
    sqlite3.SQLITE_NOTADB: DatabaseCorrupt,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_CANTOPEN: DataFolderUnusable,
    sqlite3.SQLITE_IOERR: DataFolderUnusable,
    sqlite3.SQLITE_PERM: DataFolderUnusable,
    sqlite3.SQLITE_READONLY: DataFolderUnusable,
}


def storage_error(error: sqlite3.Error, path: Path) -> StorageError | None:
    """Return what the error means for the database at `path`; None for a mistake in the SQL."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by the sqlite3 module itself, not by SQLite
        return None
    kind = _ERRORS.get(code & _PRIMARY)
    return None if kind is None else kind(path, str(error))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite errors caused by the disk or other processes into errors of storage."""
    try:
        yield
    except sqlite3.Error as error:
        meaning = storage_error(error, path)
        if meaning is None:
            raise
        raise meaning from error
