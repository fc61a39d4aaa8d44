"""A short look at the database, beside a running bot: is it sound, and of which version?

`consistency` looks longer: at every charge, and at the files of the pictures.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage import opening
from storage.database import FILE_NAME
from storage.errors import DatabaseCorrupt
from storage.faults import translated
from storage.migrate import load_migrations
from storage.timestamps import from_us_or_none


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A sound database.

    version, supported: of its schema, and the newest that this program knows. journal_bytes: of the
    log beside it that has not been written back. newest_at: when the newest job was accepted, None
    without any or in an older schema.
    """

    version: int
    supported: int
    size_bytes: int
    journal_bytes: int
    newest_at: datetime | None


def examine(data_dir: Path) -> DatabaseFacts | None:
    """Look at the database of a data folder without changing anything; None if there is none.

    Reads the whole file. Raises SqliteTooOld, RestoreUnfinished, DataFolderUnusable for another
    program's file, DatabaseTooNew, DatabaseCorrupt, DatabaseBusy. Blocking.
    """
    opening.require_sqlite()
    path = data_dir.absolute() / FILE_NAME
    opening.refuse_unfinished(path)
    if not path.is_file() or path.stat().st_size == 0:
        return None
    supported = len(load_migrations())
    journal = path.with_name(f"{path.name}-wal")
    with translated(path), closing(opening.look(path)) as connection:
        stamp = opening.stamp_of(connection)
        opening.check_stamp(path, stamp, supported)
        if (found := opening.damage(connection)) is not None:
            raise DatabaseCorrupt(path, found)
        return DatabaseFacts(
            version=stamp.version,
            supported=supported,
            size_bytes=path.stat().st_size,
            journal_bytes=journal.stat().st_size if journal.exists() else 0,
            newest_at=_newest(connection) if stamp.version == supported else None,
        )


def _newest(connection: sqlite3.Connection) -> datetime | None:
    (instant_us,) = connection.execute("SELECT max(accepted_at) FROM jobs").fetchone()
    return from_us_or_none(instant_us)
