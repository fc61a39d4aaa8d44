"""How long picture files stay on disk; rows, recipes and seeds are kept permanently."""

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Final

from storage.database import Database
from storage.errors import PictureMissing, UnsafePath
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.timestamps import to_us
from storage.types import Clock, Removed

BATCH_ROWS: Final = 25
"""Rows per transaction, so that other writers wait a few milliseconds. Chosen by hand."""

_TOTAL: Final = (
    "SELECT coalesce(sum(size_bytes), 0) AS size_bytes, count(*) > count(size_bytes) AS unknown "
    "FROM pictures INDEXED BY pictures_on_disk WHERE file_removed_at IS NULL AND deleted_at IS NULL"
)
_OLDEST: Final = (
    "SELECT id, painted_at, size_bytes, file FROM pictures INDEXED BY pictures_on_disk "
    "WHERE file_removed_at IS NULL AND deleted_at IS NULL AND favourite_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM deliveries "
    "WHERE deliveries.job_id = pictures.job_id AND deliveries.state = 'pending') "
    "AND painted_at < ? AND painted_at >= ? AND (painted_at > ? OR id > ?) "
    "ORDER BY painted_at, id LIMIT ?"
)
_AHEAD: Final = (
    "SELECT id, painted_at, size_bytes, file FROM pictures INDEXED BY pictures_on_disk "
    "WHERE file_removed_at IS NULL AND deleted_at IS NULL AND favourite_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM deliveries "
    "WHERE deliveries.job_id = pictures.job_id AND deliveries.state = 'pending') "
    "AND painted_at >= ? AND (painted_at > ? OR id > ?) AND id > ? AND id < ? "
    "ORDER BY painted_at, id LIMIT ?"
)
_UNMEASURED: Final = (
    "SELECT id, painted_at, file FROM pictures INDEXED BY pictures_on_disk "
    "WHERE file_removed_at IS NULL AND deleted_at IS NULL AND size_bytes IS NULL "
    "AND painted_at >= ? AND (painted_at > ? OR id > ?) ORDER BY painted_at, id LIMIT ?"
)
_ERASED: Final = (
    "SELECT id, file, size_bytes FROM pictures INDEXED BY pictures_to_remove "
    "WHERE deleted_at IS NOT NULL AND file_removed_at IS NULL ORDER BY id LIMIT ?"
)
# Checks again everything that allows removal: the picture may have become a favourite since.
_LET_GO: Final = (
    "UPDATE pictures SET file_removed_at = ? WHERE id IN (SELECT value FROM json_each(?)) "
    "AND file_removed_at IS NULL AND deleted_at IS NULL AND favourite_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM deliveries "
    "WHERE deliveries.job_id = pictures.job_id AND deliveries.state = 'pending') "
    "RETURNING job_id, file, size_bytes"
)
_AFTER_ALL: Final = 2**63 - 1
"""Greater than every row id."""


class Retention:
    """Removes picture files from disk; at most one per data folder at a time.

    If killed at any instant, the next apply() completes what was started: the files to be removed
    are written down first, then marked in their rows, then removed. So no picture becomes a
    favourite or is posted while its file is being removed, and no file is forgotten. An input image
    goes with the last picture that was made from it.
    """

    def __init__(self, db: Database, files: PictureFiles, clock: Clock) -> None:
        self._db = db
        self._files = files
        self._clock = clock
        self._inputs = Inputs(db, clock)

    async def apply(self, keep_days: int | None, limit_bytes: int | None) -> Removed:
        """Remove files of erased pictures, then those too old, then the oldest above the limit.

        None means no limit. Unneeded inputs are removed as well, and the others count towards the
        limit, as do thumbnails, which go with their pictures. Favourites and pictures still to be
        delivered stay. Raises DiskFull, DatabaseBusy, or DataFolderUnusable, also if the system
        refuses to remove a file.
        """
        await self._complete()
        removed = await self._remove_erased()
        if keep_days is not None:
            before_us = to_us(self._clock() - timedelta(days=keep_days))
            async for batch in self._oldest(before_us):
                removed += await self._remove(batch)
        removed += await self._inputs.sweep()
        if limit_bytes is not None:
            removed += await self._shrink(limit_bytes)
        return removed

    async def _shrink(self, limit_bytes: int) -> Removed:
        removed = Removed()
        excess_bytes = await self._total_bytes() - limit_bytes
        if excess_bytes <= 0:
            return removed
        async for batch in self._oldest(None):
            thumbnails = await asyncio.to_thread(self._thumbnail_sizes, batch)
            chosen: list[sqlite3.Row] = []
            missing_bytes = excess_bytes - removed.size_bytes
            for row, thumbnail_bytes in zip(batch, thumbnails, strict=True):
                if missing_bytes <= 0:
                    break
                if row["size_bytes"] is not None:  # otherwise it is not part of the sum either
                    chosen.append(row)
                    missing_bytes -= row["size_bytes"] + thumbnail_bytes
            removed += await self._remove(chosen)
            if removed.size_bytes >= excess_bytes:
                break
        return removed

    async def _oldest(self, before_us: int | None) -> AsyncIterator[Sequence[sqlite3.Row]]:
        """Yield removable pictures in batches, oldest first; each row once.

        before_us: only pictures older than this. A picture from the future was painted while the
        clock was ahead; it is at least as old as any picture with a higher id.
        """
        now_us = to_us(self._clock())
        until_us = now_us + 1 if before_us is None else min(before_us, now_us + 1)
        last, ahead_id = (0, 0), 0
        while batch := await self._db.fetch_all(_OLDEST, (until_us, last[0], *last, BATCH_ROWS)):
            last = (batch[-1]["painted_at"], batch[-1]["id"])
            highest_id = max(row["id"] for row in batch)
            if highest_id > ahead_id:
                ahead = [
                    row async for part in self._ahead(now_us, ahead_id, highest_id) for row in part
                ]
                batch, ahead_id = _merged(batch, ahead), highest_id
            for part in _batches(batch):
                yield part
        if before_us is None:
            async for part in self._ahead(now_us, ahead_id, _AFTER_ALL):
                yield part

    async def _ahead(
        self, now_us: int, after_id: int, before_id: int
    ) -> AsyncIterator[list[sqlite3.Row]]:
        """Yield removable pictures from the future with ids between these, in batches."""
        last = (now_us, _AFTER_ALL)
        while batch := await self._db.fetch_all(
            _AHEAD, (last[0], *last, after_id, before_id, BATCH_ROWS)
        ):
            last = (batch[-1]["painted_at"], batch[-1]["id"])
            yield batch

    async def _remove(self, batch: Sequence[sqlite3.Row]) -> Removed:
        if not batch:
            return Removed()
        ids = [row["id"] for row in batch]
        await asyncio.to_thread(self._files.plan_removal, ids)
        async with self._db.transaction() as transaction:
            gone = await transaction.fetch_all(_LET_GO, (to_us(self._clock()), json.dumps(ids)))
        thumbnails_bytes = await asyncio.to_thread(self._remove_files, gone)
        await asyncio.to_thread(self._files.plan_removal, [])
        pictures_bytes = sum(row["size_bytes"] or 0 for row in gone)
        removed = Removed(len(gone), pictures_bytes + thumbnails_bytes)
        return removed + await self._inputs.release(row["job_id"] for row in gone)

    def _remove_files(self, rows: Sequence[sqlite3.Row]) -> int:
        """Remove these pictures' files; return the size of their thumbnails in bytes. Blocking."""
        thumbnails_bytes = sum(self._thumbnail_sizes(rows))
        self._files.remove_all([row["file"] for row in rows])
        return thumbnails_bytes

    def _thumbnail_sizes(self, rows: Sequence[sqlite3.Row]) -> list[int]:
        return [self._files.thumbnail_size(row["file"]) for row in rows]

    async def _complete(self) -> None:
        """Complete what the last process had planned, as far as the rows say so."""
        ids = await asyncio.to_thread(self._files.planned_removal)
        if not ids:
            return
        gone = await self._db.fetch_all(
            "SELECT file FROM pictures WHERE id IN (SELECT value FROM json_each(?)) "
            "AND file_removed_at IS NOT NULL",
            (json.dumps(ids),),
        )
        await asyncio.to_thread(self._files.remove_all, [row["file"] for row in gone])
        await asyncio.to_thread(self._files.plan_removal, [])

    async def _remove_erased(self) -> Removed:
        """Remove the files of erased pictures; repeated after a crash until the row is updated."""
        removed = Removed()
        while rows := await self._db.fetch_all(_ERASED, (BATCH_ROWS,)):
            sizes = await asyncio.to_thread(self._sizes, rows)
            thumbnails_bytes = await asyncio.to_thread(self._remove_files, rows)
            ids = [row["id"] for row in rows]
            async with self._db.transaction() as transaction:
                await transaction.execute(
                    "UPDATE pictures SET file_removed_at = ? "
                    "WHERE id IN (SELECT value FROM json_each(?))",
                    (to_us(self._clock()), json.dumps(ids)),
                )
            found = [size_bytes for size_bytes in sizes if size_bytes is not None]
            removed += Removed(len(found), sum(found) + thumbnails_bytes)
        return removed

    async def _total_bytes(self) -> int:
        """Return the size of all pictures, their thumbnails and all inputs on disk."""
        thumbnails = await asyncio.to_thread(self._files.thumbnail_sizes)
        inputs_bytes = await self._inputs.size_bytes()
        return await self._measured() + sum(thumbnails.values()) + inputs_bytes

    async def _measured(self) -> int:
        """Return the total size of pictures on disk, after measuring files of unknown size."""
        total = await self._db.fetch_one(_TOTAL)
        assert total is not None
        if not total["unknown"]:
            return total["size_bytes"]
        last = (0, 0)
        while rows := await self._db.fetch_all(_UNMEASURED, (last[0], *last, BATCH_ROWS)):
            last = (rows[-1]["painted_at"], rows[-1]["id"])
            sizes = await asyncio.to_thread(self._sizes, rows)
            async with self._db.transaction() as transaction:
                for row, size_bytes in zip(rows, sizes, strict=True):
                    # A missing file keeps an unknown size: its disk may be temporarily unavailable.
                    if size_bytes is not None:
                        await transaction.execute(
                            "UPDATE pictures SET size_bytes = ? WHERE id = ?",
                            (size_bytes, row["id"]),
                        )
        total = await self._db.fetch_one(_TOTAL)
        assert total is not None
        return total["size_bytes"]

    def _sizes(self, rows: Sequence[sqlite3.Row]) -> list[int | None]:
        """Return the sizes of the files on disk, None for a missing one."""
        sizes: list[int | None] = []
        for row in rows:
            try:
                sizes.append(self._files.size(row["file"]))
            except (PictureMissing, UnsafePath):
                sizes.append(None)
        return sizes


def _merged(batch: Iterable[sqlite3.Row], ahead: Iterable[sqlite3.Row]) -> list[sqlite3.Row]:
    """Put each row from the future, in order of ids, before the first row with a higher id."""
    waiting = deque(sorted(ahead, key=lambda row: row["id"]))
    merged: list[sqlite3.Row] = []
    for row in batch:
        while waiting and waiting[0]["id"] < row["id"]:
            merged.append(waiting.popleft())
        merged.append(row)
    return merged


def _batches(rows: Sequence[sqlite3.Row]) -> Iterator[Sequence[sqlite3.Row]]:
    for start in range(0, len(rows), BATCH_ROWS):
        yield rows[start : start + BATCH_ROWS]
