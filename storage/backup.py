"""Copies of the database: one sound plain file each, made while others go on writing."""

import asyncio
import contextlib
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from storage import folders, opening
from storage.errors import DatabaseBusy, DatabaseCorrupt, DataFolderUnusable
from storage.faults import translated

FOLDER: Final = "backups"
"""Of the nightly copies, in the data folder."""

_NAME: Final = re.compile(r"zimagine-(\d{8}T\d{6}Z)\.db")
_INSTANT: Final = "%Y%m%dT%H%M%SZ"
_UNFINISHED: Final = ".part"
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a file while it works on it."""
_STALE_S: Final = 3600.0
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """A finished copy; `pictures` counts those that nobody has erased."""

    path: Path
    size_bytes: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Nightly:
    """One of the nightly copies, and when it was made."""

    path: Path
    made_at: datetime


async def back_up(source: Path, target: Path, *, replace: bool = False) -> BackupFacts:
    """Copy the database at `source`, as last committed, to the file `target`, for its owner only.

    Others may write meanwhile, and are not held up. There is all of the copy, checked and on the
    disk, or nothing: an error leaves no file. Raises DataFolderUnusable for a target that exists,
    unless it is to be replaced, or cannot be written, DiskFull, DatabaseCorrupt for a damaged
    source, RestoreUnfinished, DatabaseBusy.
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
    return DataFolderUnusable(target, "there is a file of this name already")


def _put_in_place(part: Path, target: Path, *, replace: bool) -> None:
    if replace:
        part.replace(target)
        return
    try:
        target.hardlink_to(part)  # unlike renaming, this never replaces what came meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError from None
        part.rename(target)


def copy(
    source: Path, target: Path, *, supported: int | None = None, pragma: str = "quick_check"
) -> int:
    """Copy a database of ours into an empty file and check the copy; returns how many pictures.

    supported: the newest schema version that is not refused; None refuses none. The copy needs no
    journal. It is not flushed to the disk. Raises as back_up(), and DatabaseTooNew. Blocking.
    """
    with translated(source), closing(opening.look(source)) as origin:
        stamp = opening.stamp_of(origin)
        opening.check_stamp(source, stamp, stamp.version if supported is None else supported)
        if stamp.version == 0:
            raise DataFolderUnusable(source, "there is no database of zimagine in it")
        with translated(target), closing(sqlite3.connect(target, isolation_level=None)) as made:
            made.execute("PRAGMA synchronous = OFF")  # nobody needs half of it
            try:
                # In one step: one of many begins anew whenever somebody writes meanwhile.
                origin.backup(made, progress=_patience(source))
                made.execute("PRAGMA journal_mode = DELETE").fetchone()
                found = opening.damage(made, pragma)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                    raise
                found = str(error)
            if found is not None:  # page by page the same as its source
                raise DatabaseCorrupt(source, found)
            return _count_pictures(made)


def _patience(source: Path) -> Callable[[int, int, int], None]:
    """Ends the waiting for a lock that somebody keeps, which sqlite3 does for ever."""
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
    """An empty file of our own beside the target, gone at the end unless it was renamed.

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
    """Unfinished copies that a killed process left; younger ones may be under way. Blocking.

    min_age_s: None for a caller who knows that nobody else is at work.
    """
    patterns = (f".zimagine.db.*{_UNFINISHED}*", f"{FOLDER}/.zimagine-*.db.*{_UNFINISHED}*")
    found = []
    for path in (path for pattern in patterns for path in data_dir.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):
            age_s = now.timestamp() - path.stat().st_mtime
            if min_age_s is None or age_s >= min_age_s:
                found.append(path)
    return found


def flush(path: Path) -> None:
    """Put the file on the disk. Raises OSError. Blocking."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def nightly_path(data_dir: Path, now: datetime) -> Path:
    """Where the copy that is made now lies; makes the folder. Blocking.

    Raises DataFolderUnusable or DiskFull.
    """
    folder = data_dir.absolute() / FOLDER
    folders.make_private(folder)
    return folder / file_name(now)


def file_name(now: datetime) -> str:
    """What a copy that is made now is called."""
    return f"zimagine-{stamp(now)}.db"


def stamp(instant: datetime) -> str:
    """The instant as a part of a file name, to the second: 20261121T030000Z."""
    return instant.astimezone(UTC).strftime(_INSTANT)


def nightlies(data_dir: Path) -> list[Nightly]:
    """The nightly copies, newest first; other files in their folder are not looked at. Blocking."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in (data_dir / FOLDER).iterdir():
            match = _NAME.fullmatch(path.name)
            if match is None or path.is_symlink() or not path.is_file():
                continue
            with contextlib.suppress(ValueError):  # digits that are no date
                made_at = datetime.strptime(match.group(1), _INSTANT).replace(tzinfo=UTC)
                found.append(Nightly(path, made_at))
    return sorted(found, key=lambda each: each.made_at, reverse=True)


def prune(data_dir: Path, keep: int, now: datetime) -> list[Path]:
    """Remove all but the newest `keep` nightly copies, and what killed ones left; returns them.

    Every other file is left alone. ValueError unless at least one is kept; DataFolderUnusable
    where the system refuses. Blocking.
    """
    if keep < 1:
        raise ValueError(f"at least one backup is kept, not {keep}")
    # One from the future tells of a clock that was wrong: it must not outlive the true ones.
    found = sorted(nightlies(data_dir), key=lambda each: each.made_at > now)
    removed = [each.path for each in found[keep:]]
    removed += [path for path in leftovers(data_dir, now) if path.parent.name == FOLDER]
    for path in removed:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise folders.unusable(path, error) from error
    return removed
