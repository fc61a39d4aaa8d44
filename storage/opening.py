"""Check what lies at the database's path, and prepare connections to it."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import aiosqlite

from storage import folders, search
from storage.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseTooNew,
    DataFolderUnusable,
    RestoreUnfinished,
    SqliteTooOld,
)
from storage.faults import translated
from storage.settling import settle

APPLICATION_ID: Final = 0x7A696D67
"""The letters "zimg" in the file header, which mark a database as this program's."""

_OLDEST_SQLITE: Final = (3, 37, 0)  # the first version with STRICT tables
_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_FRACTIONS_OFFSET: Final = 21
_FRACTIONS: Final = b"\x40\x20\x20"  # identical in every SQLite database
_VERSION_OFFSET: Final = 60
_APPLICATION_OFFSET: Final = 68
_WAL_LIMIT_BYTES: Final = 64 * 2**20
"""The log file is truncated to this size once it has been written back. Chosen by hand."""
_WAL_RETRY_S: Final = 0.02
"""Pause between attempts to switch to WAL mode. Chosen by hand."""
_DETAIL_LIMIT_CHARS: Final = 200
"""How much of SQLite's report of damage is kept. Chosen by hand."""


class Stamp(NamedTuple):
    """The header fields of a database file."""

    application_id: int
    version: int
    tables: int | None  # None: not counted yet


def inspect(path: Path, supported: int) -> Path:
    """Refuse a file that this program must not write to, without changing one byte of it.

    Creates the folder if missing, and returns the absolute path. Raises DataFolderUnusable,
    DatabaseCorrupt, DatabaseTooNew, RestoreUnfinished or SqliteTooOld. Blocking.
    """
    require_sqlite()
    path = Path(path).absolute()
    folders.ensure(path.parent)
    refuse_unfinished(path)
    if path.is_dir():
        raise DataFolderUnusable(path, "a folder is in the place of the database file")
    if not path.exists() or path.stat().st_size == 0:
        return path
    if not os.access(path, os.R_OK | os.W_OK):
        raise DataFolderUnusable(path, "the file is not writable")
    check_stamp(path, _read_stamp(path), supported)
    return path


def require_sqlite() -> None:
    """Raise SqliteTooOld unless this Python's SQLite knows what the schema needs."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise SqliteTooOld(sqlite3.sqlite_version, ".".join(map(str, _OLDEST_SQLITE)))


def restoring_file(path: Path) -> Path:
    """Return where a restore keeps its finished copy; while it exists, nothing may be opened."""
    return path.with_name(f"{path.name}.restoring")


def refuse_unfinished(path: Path) -> None:
    """Raise RestoreUnfinished if a restore was interrupted while swapping files. Blocking."""
    if restoring_file(path).exists():
        raise RestoreUnfinished(path)


def look(path: Path) -> sqlite3.Connection:
    """Open a connection that changes not one byte, whatever lies beside the file. Blocking.

    Raises sqlite3.Error, for the caller to translate. Others may write meanwhile.
    """
    # Closing the last connection that may write would move a killed process's journal into the
    # file; a read-only one would leave an empty journal behind where there was none.
    journal = path.with_name(f"{path.name}-wal")
    left = journal.exists() and journal.stat().st_size > 0
    uri = f"{path.absolute().as_uri()}?mode={'ro' if left else 'rw'}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def stamp_of(connection: sqlite3.Connection) -> Stamp:
    """Return what an open database says about itself. Blocking."""
    return Stamp(*connection.execute(_STAMP).fetchone())


def damage(connection: sqlite3.Connection, pragma: str = "quick_check") -> str | None:
    """Return the first fault in the database's pages, in one line, or None. Blocking.

    pragma: "integrity_check" also compares every index with its table.
    """
    (found,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if found == "ok":
        return None
    return " ".join(found.replace("*** in database main ***", "").split())[:_DETAIL_LIMIT_CHARS]


def check_sound(path: Path) -> None:
    """Raise DatabaseCorrupt if pages of an existing database are damaged; changes nothing.

    Reads the whole file. Blocking.
    """
    if not path.exists() or path.stat().st_size == 0:
        return
    with translated(path), closing(look(path)) as connection:
        found = damage(connection)
    if found is not None:
        raise DatabaseCorrupt(path, found)


def check_stamp(path: Path, stamp: Stamp, supported: int) -> None:
    """Raise unless the database is this program's, or empty, and of a supported version."""
    foreign = stamp.application_id not in (0, APPLICATION_ID)
    unmarked = stamp.application_id == 0 and bool(stamp.tables)
    if foreign or unmarked:
        raise DataFolderUnusable(path, "the file is another program's database")
    if stamp.version > supported:
        raise DatabaseTooNew(path, stamp.version, supported)


def _read_stamp(path: Path) -> Stamp:
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    fractions = header[_FRACTIONS_OFFSET : _FRACTIONS_OFFSET + len(_FRACTIONS)]
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC) or fractions != _FRACTIONS:
        raise DatabaseCorrupt(path, "file is not a database")
    journal = path.with_name(path.name + "-wal")
    if journal.exists() and journal.stat().st_size > 0:
        # A process was killed or is running: the newest header is in the journal. Only a read-only
        # connection may look, since closing any other would write to the file.
        stamp = _read_stamp_beside_journal(path)
        if stamp is not None:
            return stamp
    return Stamp(
        application_id=int.from_bytes(header[_APPLICATION_OFFSET : _APPLICATION_OFFSET + 4]),
        version=int.from_bytes(header[_VERSION_OFFSET : _VERSION_OFFSET + 4]),
        tables=None,
    )


def _read_stamp_beside_journal(path: Path) -> Stamp | None:
    with translated(path):
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            values = connection.execute(_STAMP).fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            return None  # cannot be determined without writing; the writer checks again
        finally:
            connection.close()
    return Stamp(*values)


# One statement, hence one snapshot: another process may be creating the tables right now.
_STAMP: Final = (
    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) "
    "FROM pragma_application_id, pragma_user_version"
)


async def read_stamp(connection: aiosqlite.Connection) -> Stamp:
    """Return what the open database says about itself, its journal included."""
    (values,) = await connection.execute_fetchall(_STAMP)
    return Stamp(*values)


async def connect_writer(path: Path, busy_timeout_s: float, supported: int) -> aiosqlite.Connection:
    """Open the writing connection in WAL mode, after the same checks as inspect()."""
    before = _identity(path)
    if before is None:  # SQLite would let others read it, and gives its journal the same mode
        await settle(asyncio.to_thread(folders.ensure_file, path))
    connection = await _connect(path.as_uri(), busy_timeout_s)
    try:
        # Before WAL mode, which is recorded in the file. Damage shows here as well.
        check_stamp(path, await read_stamp(connection), supported)
        await _use_wal(connection, path, busy_timeout_s)
        # NORMAL keeps the file intact; durability.py makes commits survive a power cut.
        await connection.execute("PRAGMA synchronous = NORMAL")
        await connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        # What is deleted is overwritten with zeros; erasure/purge.py sees to the rest.
        await connection.execute("PRAGMA secure_delete = ON")
        await teach_search(connection)
        # From here on a restore sees that the file is open. If one came in between, this connection
        # is to the database that was set aside.
        if before not in (None, _identity(path)):
            raise DatabaseBusy(path, "it was just replaced")
    except BaseException:
        await settle(connection.close())  # its thread would keep the process alive
        raise
    return connection


async def teach_search(connection: aiosqlite.Connection) -> None:
    """Register the SQL functions that migrations and the triggers of the search index call."""
    # some builds forbid such functions in triggers
    await connection.execute("PRAGMA trusted_schema = ON")
    for name, parameters, function in search.sql_functions():
        await connection.create_function(name, parameters, function)


def teach_search_now(connection: sqlite3.Connection) -> None:
    """Do the same for a connection of this thread."""
    connection.execute("PRAGMA trusted_schema = ON")
    for name, parameters, function in search.sql_functions():
        connection.create_function(name, parameters, function)


async def connect_reader(path: Path, busy_timeout_s: float) -> aiosqlite.Connection:
    """Open a connection that cannot write and, thanks to WAL, never waits for the writer."""
    connection = await _connect(f"{path.as_uri()}?mode=rw", busy_timeout_s)
    try:
        await connection.execute("PRAGMA query_only = ON")
    except BaseException:
        await settle(connection.close())  # its thread would keep the process alive
        raise
    return connection


async def _connect(uri: str, busy_timeout_s: float) -> aiosqlite.Connection:
    # isolation_level=None: the sqlite3 module must not begin transactions on its own.
    connection = await aiosqlite.connect(
        uri, uri=True, isolation_level=None, timeout=busy_timeout_s
    )
    connection.row_factory = sqlite3.Row
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


async def _use_wal(connection: aiosqlite.Connection, path: Path, busy_timeout_s: float) -> None:
    # SQLite does not apply its busy timeout to this statement, so if two processes create the same
    # database at the same moment, the waiting has to happen here.
    loop = asyncio.get_running_loop()
    deadline = loop.time() + busy_timeout_s
    while True:
        try:
            ((mode,),) = await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or loop.time() >= deadline:
                raise
            await asyncio.sleep(_WAL_RETRY_S)
            continue
        if mode != "wal":
            raise DataFolderUnusable(path, f"its file system only allows journal mode {mode}")
        return
