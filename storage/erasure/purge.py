"""What an erasure leaves to be done after its transaction: files, free pages, copies."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Final

from storage import backup
from storage.database import Database
from storage.erasure import copies, records
from storage.files import PictureFiles
from storage.inputs import InputFiles, Inputs
from storage.timestamps import from_us, to_us
from storage.types import Clock

AT_ONCE_BYTES: Final = 256 * 2**20
"""A larger database is written anew in a quiet hour only: nobody else can write meanwhile. On a
disk that takes 200 MB/s this one takes about three seconds. Chosen by hand."""
LATEST: Final = timedelta(days=1)
"""After this time it is written anew at any hour. Chosen by hand."""
PART_AGE_S: Final = 60.0
"""An unfinished file that is older was left by a process that was killed: writing one takes
seconds. Chosen by hand."""
_BATCH: Final = 500
_INPUT: Final = re.compile(r"inputs/[0-9a-f]{2}/([0-9a-f]{64})\.png")


@dataclass(frozen=True, slots=True)
class Purged:
    """How far it came. done: nothing is left to do. copies_removed: names of backups that could
    not be read, and were removed."""

    done: bool
    copies_removed: tuple[str, ...] = ()


class Purge:
    """Removes what is left of erased persons and servers; every step can be repeated after a crash.

    job_of: returns the job whose picture has a file name, or None. copying: held while copies of
    the database are made or changed; whoever makes one in this process holds it too.
    """

    def __init__(
        self,
        db: Database,
        files: PictureFiles,
        clock: Clock,
        *,
        job_of: Callable[[str], int | None],
    ) -> None:
        self._db = db
        self._data_dir = db.path.parent
        self._files = files
        self._input_files = InputFiles(self._data_dir, clock=clock)
        self._inputs = Inputs(db, clock)
        self._clock = clock
        self._job_of = job_of
        self.copying = asyncio.Lock()

    async def run(
        self, *, quiet: bool = False, is_active: Callable[[int], bool] = lambda _: False
    ) -> Purged:
        """Do what is left of all erasures, as far as that is possible now.

        quiet: the time may be taken to write a large database anew. is_active: whether a job may
        still be writing files. Raises StorageError; the next call goes on.
        """
        pending = await self._db.fetch_all(
            "SELECT id, unrecorded, erased_at FROM erasures WHERE purged_at IS NULL "
            "ORDER BY erased_at"
        )
        await self._write_list()
        if not pending:
            return Purged(done=True)
        ids = [row["id"] for row in pending]
        job_ids = [job_id for row in pending for job_id in json.loads(row["unrecorded"])]
        await self._remove_files()
        clean = await self._remove_unrecorded(job_ids, is_active)
        age = self._clock() - from_us(pending[0]["erased_at"])
        if not quiet and abs(age) < LATEST and self._db.path.stat().st_size > AT_ONCE_BYTES:
            return Purged(done=False)
        async with self.copying:
            clean = await asyncio.to_thread(self._remove_parts) and clean
            clean = await self._db.compact() and clean
            known = await records.erasures(self._db)
            removed = await asyncio.to_thread(
                copies.clean_copies, self._data_dir, known, self._clock()
            )
        if clean:
            async with self._db.transaction() as transaction:
                await transaction.execute(
                    "UPDATE erasures SET purged_at = ?, unrecorded = '[]' "
                    "WHERE id IN (SELECT value FROM json_each(?))",
                    (to_us(self._clock()), json.dumps(ids)),
                )
            await self._write_list()
        return Purged(clean, tuple(path.name for path in removed))

    async def _write_list(self) -> None:
        known = await records.erasures(self._db)
        if known:
            await asyncio.to_thread(records.write_list, self._data_dir, known)

    async def _remove_files(self) -> None:
        while rows := await self._db.fetch_all(
            "SELECT file, asked_at FROM file_removals ORDER BY file LIMIT ?", (_BATCH,)
        ):
            asked_at = {row["file"]: row["asked_at"] for row in rows}
            inputs = {
                match[1]: asked_at[file]
                for file in asked_at
                if (match := _INPUT.fullmatch(file)) is not None
            }
            pictures = [file for file in asked_at if _INPUT.fullmatch(file) is None]
            await asyncio.to_thread(self._files.remove_all, pictures)
            # One that was written again since is somebody else's, or goes within the hour.
            await self._inputs.discard(inputs)
            async with self._db.transaction() as transaction:
                await transaction.execute(
                    "DELETE FROM file_removals WHERE file IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(asked_at)),),
                )

    async def _remove_unrecorded(
        self, job_ids: Sequence[int], is_active: Callable[[int], bool]
    ) -> bool:
        """Remove files that cancelled jobs left; False if one may still be writing some."""
        if not job_ids:
            return True
        active = any(map(is_active, job_ids))
        return await asyncio.to_thread(self._remove_files_of, frozenset(job_ids)) and not active

    def _remove_files_of(self, job_ids: frozenset[int]) -> bool:
        left = [
            file
            for file in self._files.sizes().keys() | self._files.thumbnail_sizes().keys()
            if self._job_of(PurePosixPath(file).name) in job_ids
        ]
        self._files.remove_all(left)
        self._files.sweep(min_age_s=PART_AGE_S)
        return not self._files.unfinished(min_age_s=0.0)

    def _remove_parts(self) -> bool:
        """Remove unfinished copies and inputs; False if there are some that may be in progress."""
        now = self._clock()
        for part in [
            *backup.leftovers(self._data_dir, now, PART_AGE_S),
            *self._input_files.unfinished(min_age_s=PART_AGE_S),
        ]:
            part.unlink(missing_ok=True)
        return not backup.leftovers(self._data_dir, now, None)
