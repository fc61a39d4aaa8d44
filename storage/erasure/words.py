"""How long the words of requests are kept; retention.py is about the files of pictures."""

import json
from datetime import timedelta
from typing import Final

from storage.database import Database
from storage.timestamps import to_us
from storage.types import Clock

BATCH_ROWS: Final = 100
"""Requests per transaction, so that other writers wait a few milliseconds. Chosen by hand."""

_OLD: Final = (
    "SELECT j.id FROM jobs AS j INDEXED BY jobs_with_words "
    "WHERE j.finished_at < ? AND j.finished_at IS NOT NULL AND j.request <> '{}' "
    "AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.job_id = j.id AND d.state = 'pending') "
    "AND NOT EXISTS (SELECT 1 FROM pictures AS p WHERE p.job_id = j.id AND p.deleted_at IS NULL "
    "AND (p.file_removed_at IS NULL OR p.favourite_at IS NOT NULL)) "
    "ORDER BY j.finished_at LIMIT ?"
)
_JOBS: Final = "(SELECT value FROM json_each(:jobs))"
_EMPTYING: Final = (
    f"DELETE FROM job_inputs WHERE job_id IN {_JOBS}",
    "UPDATE jobs SET parent_picture_id = NULL WHERE parent_picture_id IN "
    f"(SELECT id FROM pictures WHERE job_id IN {_JOBS})",
    "UPDATE pictures SET deleted_at = coalesce(deleted_at, :now), recipe = '{}', seed = 0, "
    f"note = NULL WHERE job_id IN {_JOBS}",
    "UPDATE jobs SET request = '{}', prompt = '', seed = 0, error_detail = NULL "
    f"WHERE id IN {_JOBS}",
)


class WordRetention:
    """Empties old requests of which no picture is kept: prompt, recipe and note go.

    A picture whose file is on the disk, or that is a favourite, keeps its words: the file has them
    too. The row stays and counts.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def apply(self, keep_days: int) -> int:
        """Empty the requests that ended longer ago, and forget searches; returns how many requests.

        What is left of them in free pages is overwritten with zeros as SQLite frees it. Raises
        StorageError.
        """
        before_us, emptied = to_us(self._clock() - timedelta(days=keep_days)), 0
        async with self._db.transaction() as transaction:
            await transaction.execute("DELETE FROM list_pages WHERE used_at < ?", (before_us,))
        while found := await self._db.fetch_all(_OLD, (before_us, BATCH_ROWS)):
            ids = json.dumps([row["id"] for row in found])
            values = {"jobs": ids, "now": to_us(self._clock())}
            async with self._db.transaction() as transaction:
                for sql in _EMPTYING:
                    await transaction.execute(sql, values)
            emptied += len(found)
        return emptied
