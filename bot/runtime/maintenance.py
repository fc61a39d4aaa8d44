"""What a bot that runs for years has to do for itself: backups, retention, an eye on the disk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.settings import StorageSection
from storage import backup
from storage.database import FILE_NAME
from storage.retention import Retention
from storage.types import Clock

log = structlog.get_logger(__name__)

ROUND_S = 600.0
"""The disk is looked at so often; nothing else happens in the first round after a start."""
RETENTION_EVERY = timedelta(hours=1)
BACKUP_AGAIN_AFTER = timedelta(hours=1)
"""After one that failed."""
BACKUP_MAX_AGE = timedelta(days=1)
GIB_BYTES = 2**30
FREE_FLOOR_BYTES = GIB_BYTES

DISK_SENTENCE = (
    "Only {free_mib} MiB are free on the disk that holds {folder}. Free up space, or set "
    "keep_days or limit_gib in [storage]: without space, nothing can be painted."
)
BACKUP_SENTENCE = "The nightly backup failed: {error} The next attempt is in an hour."

TellOwner = Callable[[str, str], Awaitable[None]]
"""Takes a kind of trouble and a sentence; may be called again and again with the same."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a backup is due; pure. hour: of the day, in UTC."""

    hour: int

    def due(self, now: datetime, newest_at: datetime | None) -> bool:
        """Whether the day has no backup and its hour has come, or the newest is a day old."""
        if newest_at is None or now - newest_at > BACKUP_MAX_AGE:
            return True
        return now.hour >= self.hour and newest_at.date() < now.date()


def free_bytes(folder: Path) -> int:
    """How much the disk of this folder still takes. Raises OSError. Blocking."""
    return shutil.disk_usage(folder).free


class Maintenance:
    """One loop for as long as the bot runs; no error ends it.

    sleep: waits for so many seconds. free: the free bytes of a folder's disk; blocking.
    sweep_questions: forgets those that are too old to be answered, and returns how many.
    """

    def __init__(
        self,
        settings: StorageSection,
        retention: Retention,
        *,
        tell_owner: TellOwner,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        free: Callable[[Path], int] = free_bytes,
        sweep_questions: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._settings = settings
        self._data_dir = settings.data_dir
        self._retention = retention
        self._tell_owner = tell_owner
        self._clock = clock
        self._sleep = sleep
        self._free = free
        self._sweep_questions = sweep_questions
        self._schedule = Schedule(settings.backup_hour)
        self._retained_at: datetime | None = None
        self._backup_failed_at: datetime | None = None

    async def run(self) -> None:
        """Look after everything, until it is cancelled."""
        while True:
            await self._guarded("disk", self._watch_disk)
            await self._sleep(ROUND_S)
            await self._guarded("retention", self._retain)
            await self._guarded("questions", self._forget_questions)
            await self._guarded("backup", self._back_up)

    async def _guarded(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            log.error("housekeeping failed", what=what, error=_in_one_line(error))

    async def _watch_disk(self) -> None:
        free = await asyncio.to_thread(self._free, self._data_dir)
        if free < FREE_FLOOR_BYTES:
            log.warning("little room on the disk", free_bytes=free)
            sentence = DISK_SENTENCE.format(free_mib=free // 2**20, folder=self._data_dir)
            await self._tell_owner("disk", sentence)

    async def _retain(self) -> None:
        now = self._clock()
        if self._retained_at is not None and now - self._retained_at < RETENTION_EVERY:
            return
        self._retained_at = now  # also if it fails: not every ten minutes
        limit_gib = self._settings.limit_gib
        limit_bytes = None if limit_gib is None else int(limit_gib * GIB_BYTES)
        removed = await self._retention.apply(self._settings.keep_days, limit_bytes)
        if removed.files:
            log.info("picture files removed", files=removed.files, size_bytes=removed.size_bytes)

    async def _forget_questions(self) -> None:
        if self._sweep_questions is not None and (forgotten := await self._sweep_questions()):
            log.info("questions forgotten", count=forgotten)

    async def _back_up(self) -> None:
        now, failed_at = self._clock(), self._backup_failed_at
        if not self._settings.backups:
            return
        if failed_at is not None and now - failed_at < BACKUP_AGAIN_AFTER:
            return
        try:
            await self._make_backup(now)
        except Exception as error:
            self._backup_failed_at = now
            sentence = f"{_in_one_line(error).rstrip('.')}."
            await self._tell_owner("backup", BACKUP_SENTENCE.format(error=sentence))
            raise

    async def _make_backup(self, now: datetime) -> None:
        found = await asyncio.to_thread(backup.nightlies, self._data_dir)
        # One from the future tells of a clock that was wrong.
        newest_at = next((each.made_at for each in found if each.made_at <= now), None)
        if not self._schedule.due(now, newest_at):
            return
        target = await asyncio.to_thread(backup.nightly_path, self._data_dir, now)
        made = await backup.back_up(self._data_dir / FILE_NAME, target)
        log.info("backup made", file=target.name, size_bytes=made.size_bytes)
        # Only now: an old backup goes once there is a new one.
        await asyncio.to_thread(backup.prune, self._data_dir, self._settings.backups, now)


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
