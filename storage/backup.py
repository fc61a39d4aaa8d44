"""Copies of the database: each a single consistent file, made while others keep writing."""

import asyncio
import contextlib
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiosqlite

from storage import folders, opening
from storage.errors import DatabaseBusy, DatabaseCorrupt, DataFolderUnusable
from storage.faults import translated
from storage.migrate import Migration, migrate
from storage.settling import settle
from storage.timestamps import is_old

FOLDER: Final = "backups"
"""Name of the folder for nightly copies, inside the data folder."""

_NAME: Final = re.compile(r"zimagine-(\d{8}T\d{6}Z)\.db")
_INSTANT: Final = "%Y%m%dT%H%M%SZ"
_UNFINISHED: Final = ".part"
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite puts next to a database it has open."""
_STALE_S: Final = 3600.0
"""Unfinished copies older than this are removed; far longer than a copy takes. Chosen by hand."""
_PATIENCE_S: Final = 60.0
"""How long a copy waits for a lock that another process holds. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """A finished copy. `pictures` counts those that have not been erased."""

    path: Path
    size_bytes: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Nightly:
    """One nightly copy and when it was made."""

    path: Path
    made_at: datetime


async def back_up(source: Path, target: Path, *, replace: bool = False) -> BackupFacts:
    """Copy the database at `source`, as last committed, to `target`, readable only by its owner.

    Other processes can keep writing meanwhile. The result is a complete copy, checked and on disk,
    or no file at all. Raises DataFolderUnusable for a target that cannot be written or, unless
    `replace` is set, already exists; DiskFull, DatabaseCorrupt for a damaged source,
    RestoreUnfinished, DatabaseBusy.
    """
    return await asyncio.to_thread(_back_up, source, target, replace=replace)


def _back_up(source: Path, target: Path, *, replace: bool) -> BackupFacts:
    source, target = source.absolute(), target.absolute()
    opening.refuse_unfinished(source)
    if target.exists() and (not replace or target.is_dir() or target.samefile(source)):
        raise _taken(target)
    with unfinished(target) as part:
        pictures = copy(source, part)
        try:
            size_bytes = part.stat().st_size
            flush(part)
            _put_in_place(part, target, replace=replace)
            folders.sync_folder(target.parent)
        except FileExistsError:
            raise _taken(target) from None
        except OSError as error:
            raise folders.unusable(target, error) from error
    return BackupFacts(path=target, size_bytes=size_bytes, pictures=pictures)


def _taken(target: Path) -> DataFolderUnusable:
    return DataFolderUnusable(target, "a file with this name already exists")


def _put_in_place(part: Path, target: Path, *, replace: bool) -> None:
    if replace:
        folders.replace(part, target)
        return
    try:
        target.hardlink_to(part)  # unlike a rename, this never replaces a file created meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError from None
        part.rename(target)


def copy(
    source: Path, target: Path, *, supported: int | None = None, pragma: str = "quick_check"
) -> int:
    """Copy the bot's database into an empty file and check it; returns its number of pictures.

    supported: the newest schema version that is accepted; None accepts every version. The copy
    needs no journal and is not flushed to disk. Raises the errors of back_up(), and DatabaseTooNew.
    Blocking.
    """
    with translated(source), closing(opening.look(source)) as origin:
        stamp = opening.stamp_of(origin)
        opening.check_stamp(source, stamp, stamp.version if supported is None else supported)
        if stamp.version == 0:
            raise DataFolderUnusable(source, "it contains no zimagine database")
        with translated(target), closing(sqlite3.connect(target, isolation_level=None)) as made:
            made.execute("PRAGMA synchronous = OFF")  # an unfinished copy is worthless anyway
            try:
                # In a single step: a copy in several steps starts over whenever somebody writes
                # meanwhile.
                origin.backup(made, progress=_patience(source))
                made.execute("PRAGMA journal_mode = DELETE").fetchone()
                found = opening.damage(made, pragma)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                    raise
                found = str(error)
            if found is not None:  # the copy matches its source page by page
                raise DatabaseCorrupt(source, found)
            return _count_pictures(made)


async def bring_up_to_date(part: Path, migrations: Sequence[Migration]) -> None:
    """Bring a copy that nobody else has open to the newest schema; it is not flushed to disk.

    Raises MigrationFailed and the errors of copy().
    """
    with translated(part):
        connection = await aiosqlite.connect(part, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            # the whole file is flushed at the end
            await connection.execute("PRAGMA synchronous = OFF")
            await opening.teach_search(connection)
            await migrate(connection, migrations, part)
        finally:
            await settle(connection.close())


def _patience(source: Path) -> Callable[[int, int, int], None]:
    """Return a progress callback that ends the wait for a held lock; sqlite3 would never end it."""
    deadline_s = time.monotonic() + _PATIENCE_S

    def progress(status: int, _remaining: int, _total: int) -> None:
        waiting = status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if waiting and time.monotonic() > deadline_s:
            raise DatabaseBusy(source, "it could not be read")

    return progress


def _count_pictures(connection: sqlite3.Connection) -> int:
    (pictures,) = connection.execute(
        "SELECT count(*) FROM pictures WHERE deleted_at IS NULL"
    ).fetchone()
    return pictures


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside the target; it is removed at the end unless renamed.

    Raises DataFolderUnusable or DiskFull. Blocking.
    """
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=_UNFINISHED, dir=target.parent
        )
        os.close(descriptor)
    except OSError as error:
        raise folders.unusable(target, error) from error
    part = Path(name)
    try:
        yield part
    finally:
        for each in ("", *_BESIDE):
            with contextlib.suppress(OSError):
                part.with_name(part.name + each).unlink(missing_ok=True)


def leftovers(data_dir: Path, now: datetime, min_age_s: float | None = _STALE_S) -> list[Path]:
    """List unfinished copies that a killed process left; younger ones may be in progress. Blocking.

    min_age_s: None for a caller that knows no copy is in progress.
    """
    patterns = (f".zimagine.db.*{_UNFINISHED}*", f"{FOLDER}/.zimagine-*.db.*{_UNFINISHED}*")
    found = []
    for path in (path for pattern in patterns for path in data_dir.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):
            if min_age_s is None or is_old(path.stat().st_mtime, now, min_age_s):
                found.append(path)
    return found


def flush(path: Path) -> None:
    """Flush a file to disk. Raises OSError. Blocking."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def nightly_path(data_dir: Path, now: datetime) -> Path:
    """Return the path for a nightly copy made now, and create its folder. Blocking.

    Raises DataFolderUnusable or DiskFull.
    """
    folder = data_dir.absolute() / FOLDER
    folders.ensure(folder)
    return folder / file_name(now)


def file_name(now: datetime) -> str:
    """Return the file name of a copy made at this time."""
    return f"zimagine-{stamp(now)}.db"


def stamp(instant: datetime) -> str:
    """Format a time for use in a file name, to the second: 20261121T030000Z."""
    return instant.astimezone(UTC).strftime(_INSTANT)


def nightlies(data_dir: Path) -> list[Nightly]:
    """List the nightly copies, newest first; other files in the folder are ignored. Blocking."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in (data_dir / FOLDER).iterdir():
            match = _NAME.fullmatch(path.name)
            if match is None or path.is_symlink() or not path.is_file():
                continue
            with contextlib.suppress(ValueError):  # digits that are not a date
                made_at = datetime.strptime(match.group(1), _INSTANT).replace(tzinfo=UTC)
                found.append(Nightly(path, made_at))
    return sorted(found, key=lambda each: each.made_at, reverse=True)


def prune(data_dir: Path, keep: int, now: datetime) -> list[Path]:
    """Remove all nightly copies but the newest `keep`, and unfinished ones; returns them.

    Every other file is left alone. Raises ValueError unless at least one is kept;
    DataFolderUnusable if the system refuses to remove a file. Blocking.
    """
    if keep < 1:
        raise ValueError(f"at least one backup must be kept, not {keep}")
    # A copy dated in the future comes from a wrong clock and must not outlive the correct ones.
    found = sorted(nightlies(data_dir), key=lambda each: each.made_at > now)
    removed = [each.path for each in found[keep:]]
    removed += [path for path in leftovers(data_dir, now) if path.parent.name == FOLDER]
    for path in removed:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise folders.unusable(path, error) from error
    return removed
