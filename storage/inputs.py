"""Input images: files named by their hash, shared between jobs, and kept while needed."""

import asyncio
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Final

from storage import folders
from storage.database import Database, Transaction
from storage.errors import PictureMissing, UnsafePath
from storage.files import UNFINISHED, make_folders, write_whole
from storage.settling import settle
from storage.timestamps import is_old, to_us
from storage.types import Clock, Removed, utc_now

MIN_AGE_S: Final = 3600.0
"""A younger file may belong to a job that is just being accepted. Chosen by hand."""

UNNEEDED: Final = (
    "SELECT value AS sha256 FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM job_inputs AS i "
    "CROSS JOIN jobs AS j ON j.id = i.job_id WHERE i.sha256 = json_each.value AND "
    "(j.finished_at IS NULL OR EXISTS (SELECT 1 FROM pictures AS p WHERE p.job_id = j.id "
    "AND p.deleted_at IS NULL AND p.file_removed_at IS NULL)))"
)
"""Selects, from a JSON list of hashes, those that no unfinished job and no picture on disk needs.
"""

_OF_JOBS: Final = (
    "SELECT i.sha256, max(j.accepted_at) AS accepted_at FROM job_inputs AS i "
    "CROSS JOIN jobs AS j ON j.id = i.job_id "
    "WHERE i.job_id IN (SELECT value FROM json_each(?)) GROUP BY i.sha256"
)
_FOLDER: Final = "inputs"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = re.compile(r"([0-9a-f]{64})\.png")
_BATCH_ASKED: Final = 500
"""How many hashes are looked up in one query. Chosen by hand."""
_BATCH_REMOVED: Final = 25
"""Files removed per transaction, so that other writers wait a few milliseconds. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file on disk; `written_at_us` is when it was last written, and so last needed."""

    sha256: str
    size_bytes: int
    written_at_us: int


class InputFiles:
    """The files below data_dir/inputs, by the first digits of their hash. Every method blocks."""

    def __init__(self, data_dir: Path, *, clock: Clock = utc_now) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._clock = clock

    @staticmethod
    def file(sha256: str) -> str:
        """Return the path relative to the data folder; UnsafePath unless given 64 hex digits."""
        if not _SHA256.fullmatch(sha256):
            raise UnsafePath(sha256, "a hash must have 64 lower-case hex digits")
        return str(PurePosixPath(_FOLDER, sha256[:2], f"{sha256}.png"))

    def path(self, sha256: str) -> Path:
        """Return the absolute path; UnsafePath as in file()."""
        return self._data_dir / self.file(sha256)

    def write(self, data: bytes, sha256: str) -> None:
        """Write a file so that after a crash either all of it exists or nothing.

        When this returns, it survives a power cut. An existing file is written again: it may have
        been damaged, and this makes it young. Raises UnsafePath, DiskFull or DataFolderUnusable.
        """
        target = self.path(sha256)
        written_at_ns = to_us(self._clock()) * 1000
        try:
            make_folders(self._data_dir, target.parent)
            write_whole(target, data)
            os.utime(target, ns=(written_at_ns, written_at_ns))
        except OSError as error:
            raise folders.unusable(target, error) from error

    def read(self, sha256: str) -> bytes:
        """Return the bytes of a file. PictureMissing, or DataFolderUnusable if unreadable."""
        path = self.path(sha256)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise PictureMissing(self.file(sha256)) from None
        except OSError as error:
            raise folders.unusable(path, error) from error

    def check_there(self, hashes: Iterable[str]) -> None:
        """Raise PictureMissing for the first hash without a file, UnsafePath as in file()."""
        for sha256 in hashes:
            if not self.path(sha256).is_file():
                raise PictureMissing(self.file(sha256))

    def remove(self, latest_us: Mapping[str, int]) -> Removed:
        """Remove files, except those written after their given time; missing ones are fine.

        What was written far in the future, while the clock was ahead, is not spared. Not flushed:
        if a power cut brings files back, the next sweep finds them.
        """
        removed = Removed()
        now = self._clock()
        for sha256, limit_us in latest_us.items():
            path = self.path(sha256)
            try:
                found = path.lstat()
                written_at_us = found.st_mtime_ns // 1000
                if written_at_us > limit_us and not is_old(found.st_mtime, now, MIN_AGE_S):
                    continue
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise folders.unusable(path, error) from error
            removed += Removed(1, found.st_size)
        return removed

    def found(self) -> Iterator[InputFile]:
        """Yield every finished file; walks all folders and skips files that do not belong here."""
        for path in (self._data_dir / _FOLDER).glob("[0-9a-f][0-9a-f]/*.png"):
            name = _FILE.fullmatch(path.name)
            if name is None or path.parent.name != path.name[:2]:
                continue
            with suppress(FileNotFoundError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield InputFile(name[1], status.st_size, status.st_mtime_ns // 1000)

    def unfinished(self, min_age_s: float = MIN_AGE_S) -> list[Path]:
        """List what interrupted writes left behind, except files younger than `min_age_s`."""
        parts = []
        for path in (self._data_dir / _FOLDER).glob(f"*/.*{UNFINISHED}"):
            with suppress(FileNotFoundError):
                if is_old(path.lstat().st_mtime, self._clock(), min_age_s):
                    parts.append(path)
        return parts

    def old(self) -> dict[str, int]:
        """Return the files that no job is about to need, and the time of the newest such file."""
        now = self._clock()
        old_us = to_us(now - timedelta(seconds=MIN_AGE_S))
        return {
            each.sha256: old_us
            for each in self.found()
            if is_old(each.written_at_us / 1e6, now, MIN_AGE_S)
        }


class Inputs:
    """Which jobs use which input images, together with the image files.

    A file is written before its job is accepted, and stays while it is needed by an unfinished job
    or by a picture whose own file is kept. Files are removed inside a write transaction, and
    acceptance checks for them inside its own, so no job is ever accepted while its file is being
    removed.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._files = InputFiles(db.path.parent, clock=clock)

    async def write(self, data: bytes, sha256: str) -> None:
        """Write an input image, which stays for at least an hour: see InputFiles.write().

        The caller guarantees that `sha256` is the hash of its pixels.
        """
        await asyncio.to_thread(self._files.write, data, sha256)

    async def read(self, sha256: str) -> bytes:
        """Return the bytes that were written. PictureMissing, UnsafePath, DataFolderUnusable.

        The hash covers the pixels, which storage does not decode: whoever decodes them compares it.
        """
        return await asyncio.to_thread(self._files.read, sha256)

    async def of_job(self, job_id: int) -> tuple[str, ...]:
        """Return the hashes of a job's inputs in its order, including those of removed files."""
        found = await self._db.fetch_all(
            "SELECT sha256 FROM job_inputs WHERE job_id = ? ORDER BY position", (job_id,)
        )
        return tuple(row["sha256"] for row in found)

    async def attach(self, transaction: Transaction, job_id: int, hashes: Sequence[str]) -> None:
        """Store the inputs of a new job, inside the transaction that accepts it.

        PictureMissing if a file does not exist, UnsafePath if a hash is malformed.
        """
        if not hashes:
            return
        await settle(asyncio.to_thread(self._files.check_there, hashes))
        for position, sha256 in enumerate(hashes):
            await transaction.execute(
                "INSERT INTO job_inputs (job_id, position, sha256) VALUES (?, ?, ?)",
                (job_id, position, sha256),
            )

    async def release(self, job_ids: Iterable[int]) -> Removed:
        """Remove the input files of these jobs that nothing needs any more.

        A file that was written again since stays until sweep(): its next job may be about to be
        accepted.
        """
        found = await self._db.fetch_all(_OF_JOBS, (json.dumps(list(job_ids)),))
        return await self.discard({row["sha256"]: row["accepted_at"] for row in found})

    async def sweep(self) -> Removed:
        """Remove every file that nothing needs, and unfinished ones, unless they are young.

        This includes files whose job was never accepted or ended without a picture, and whatever a
        crash in release() left.
        """
        return await self.discard(await asyncio.to_thread(self._old))

    async def size_bytes(self) -> int:
        """Return the total size of all files on disk, in bytes."""
        return await asyncio.to_thread(lambda: sum(each.size_bytes for each in self._files.found()))

    def _old(self) -> dict[str, int]:
        """Return the old files, after removing old unfinished ones."""
        for part in self._files.unfinished():
            try:
                part.unlink(missing_ok=True)
            except OSError as error:
                raise folders.unusable(part, error) from error
        return self._files.old()

    async def discard(self, latest_us: Mapping[str, int]) -> Removed:
        """Remove those of these files that nothing needs.

        latest_us: by hash; a file that was written after that, in microseconds, stays.
        """
        removed = Removed()
        unneeded: list[str] = []
        for batch in _batches(list(latest_us), _BATCH_ASKED):
            rows = await self._db.fetch_all(UNNEEDED, (json.dumps(batch),))
            unneeded += (row["sha256"] for row in rows)
        for batch in _batches(unneeded, _BATCH_REMOVED):
            async with self._db.transaction() as transaction:
                # Check again, now that no job can be accepted meanwhile.
                rows = await transaction.fetch_all(UNNEEDED, (json.dumps(batch),))
                chosen = {row["sha256"]: latest_us[row["sha256"]] for row in rows}
                removed += await settle(asyncio.to_thread(self._files.remove, chosen))
        return removed


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
