"""Maintenance of a bot that runs for years: backups, retention, and a watch on free disk space."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.delivery.alerts import BackupFailed, LittleSpace, OwnerAlert
from bot.settings import StorageSection
from storage import backup
from storage.database import FILE_NAME
from storage.retention import Retention
from storage.types import Clock

log = structlog.get_logger(__name__)

ROUND_INTERVAL_S = 600.0
"""How often the free disk space is checked. The first round after a start does nothing else."""
RETENTION_INTERVAL = timedelta(hours=1)
"""The shortest time between two runs of retention."""
BACKUP_RETRY_AFTER = timedelta(hours=1)
"""How long to wait after a failed backup."""
BACKUP_MAX_AGE = timedelta(days=1)
"""A backup is due at any hour once the newest is older than this."""
GIB_BYTES = 2**30
MIN_FREE_BYTES = GIB_BYTES
"""Below this, the owner is alerted. Chosen by judgement: room for hundreds of pictures."""

AlertOwner = Callable[[OwnerAlert], Awaitable[None]]
"""May be called repeatedly with the same."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Decides when a backup is due; pure. hour: of the day, in UTC."""

    hour: int

    def due(self, now: datetime, newest_at: datetime | None) -> bool:
        """Return whether today's backup is missing and due, or the newest one is a day old."""
        if newest_at is None or now - newest_at > BACKUP_MAX_AGE:
            return True
        return now.hour >= self.hour and newest_at.date() < now.date()


def free_bytes(folder: Path) -> int:
    """Return the free space on this folder's disk. Raises OSError. Blocking."""
    return shutil.disk_usage(folder).free


class Maintenance:
    """Runs all maintenance in one loop that no error ends.

    settings: returns what is kept, and for how long. sleep: waits for a number of seconds. free:
    returns the free bytes of a folder's disk; blocking. sweep_proposals: deletes proposals that are
    too old to be answered, and returns how many. sweep_lists: does the same for pages of lists that
    were not used for long. date_back: dates back what was charged while the clock was ahead, and
    returns for how many. sweep_usage: forgets whose the charges of erased persons were that no
    longer count, and returns how many. sweep_blocks: forgets blocks that ended long enough ago, and
    returns how many. copying: held while a copy of the database is made. empty_words: removes the
    words of requests that are older than so many days, and returns of how many. erase_departed:
    erases servers that removed the bot long enough ago, and returns how many. forget_audit: deletes
    audit entries that are older than so many days, and returns how many.
    """

    def __init__(
        self,
        settings: Callable[[], StorageSection],
        retention: Retention,
        *,
        alert_owner: AlertOwner,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        free: Callable[[Path], int] = free_bytes,
        sweep_proposals: Callable[[], Awaitable[int]] | None = None,
        sweep_lists: Callable[[], Awaitable[int]] | None = None,
        date_back: Callable[[], Awaitable[int]] | None = None,
        sweep_usage: Callable[[], Awaitable[int]] | None = None,
        sweep_blocks: Callable[[], Awaitable[int]] | None = None,
        copying: asyncio.Lock | None = None,
        empty_words: Callable[[int], Awaitable[int]] | None = None,
        erase_departed: Callable[[], Awaitable[int]] | None = None,
        forget_audit: Callable[[int], Awaitable[int]] | None = None,
    ) -> None:
        self._settings = settings
        self._data_dir = settings().data_dir
        self._retention = retention
        self._alert_owner = alert_owner
        self._clock = clock
        self._sleep = sleep
        self._free = free
        self._sweep_proposals = sweep_proposals
        self._sweep_lists = sweep_lists
        self._date_back = date_back
        self._sweep_usage = sweep_usage
        self._sweep_blocks = sweep_blocks
        self._copying = copying or asyncio.Lock()
        self._empty_words = empty_words
        self._erase_departed = erase_departed
        self._forget_audit = forget_audit
        self._retained_at: datetime | None = None
        self._backup_failed_at: datetime | None = None

    async def run(self) -> None:
        """Maintain everything until cancelled."""
        while True:
            await self._guarded("clock", self.date_back_charges)
            await self._guarded("disk", self._check_disk)
            await self._sleep(ROUND_INTERVAL_S)
            await self._guarded("retention", self.apply_retention)
            await self._guarded("questions", self.forget_old_proposals)
            await self._guarded("lists", self.forget_old_lists)
            await self._guarded("usage", self.forget_old_usage)
            await self._guarded("blocks", self.forget_ended_blocks)
            await self._guarded("servers", self.erase_departed_servers)
            await self._guarded("backup", self._back_up)

    async def _guarded(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            log.error("housekeeping failed", what=what, error=_one_line(error))

    async def _check_disk(self) -> None:
        free = await asyncio.to_thread(self._free, self._data_dir)
        if free < MIN_FREE_BYTES:
            log.warning("little room on the disk", free_bytes=free)
            await self._alert_owner(LittleSpace(self._data_dir, free))

    async def apply_retention(self) -> None:
        """Remove pictures and words over the configured limits, at most once per
        RETENTION_INTERVAL."""
        now = self._clock()
        # abs, here and below: the clock may have been set back.
        if self._retained_at is not None and abs(now - self._retained_at) < RETENTION_INTERVAL:
            return
        self._retained_at = now  # even if it fails, so that it is not tried every ten minutes
        settings = self._settings()
        limit_gib = settings.limit_gib
        limit_bytes = None if limit_gib is None else int(limit_gib * GIB_BYTES)
        removed = await self._retention.apply(settings.keep_days, limit_bytes)
        if removed.files:
            log.info("picture files removed", files=removed.files, size_bytes=removed.size_bytes)
        if self._forget_audit is not None:
            await self._forget_audit(settings.keep_audit_days)
        keep_prompts_days = settings.keep_prompts_days
        if keep_prompts_days is None or self._empty_words is None:
            return
        if emptied := await self._empty_words(keep_prompts_days):
            log.info("words of old requests removed", requests=emptied)

    async def erase_departed_servers(self) -> None:
        """Erase what servers left that removed the bot long enough ago."""
        if self._erase_departed is not None and (erased := await self._erase_departed()):
            log.info("servers erased that removed the bot", servers=erased)

    async def forget_old_proposals(self) -> None:
        """Delete proposals that are too old to be answered."""
        if self._sweep_proposals is not None and (forgotten := await self._sweep_proposals()):
            log.info("questions forgotten", count=forgotten)

    async def forget_old_lists(self) -> None:
        """Delete pages of lists that nobody turned to for long."""
        if self._sweep_lists is not None and (forgotten := await self._sweep_lists()):
            log.info("pages of lists forgotten", count=forgotten)

    async def forget_old_usage(self) -> None:
        """Forget whose the charges of erased persons were, once they no longer count."""
        if self._sweep_usage is not None and (forgotten := await self._sweep_usage()):
            log.info("usage of erased persons forgotten", count=forgotten)

    async def forget_ended_blocks(self) -> None:
        """Forget who was blocked for a time that is long over."""
        if self._sweep_blocks is not None and (forgotten := await self._sweep_blocks()):
            log.info("ended blocks forgotten", count=forgotten)

    async def date_back_charges(self) -> None:
        """Make charges from the future, made while the clock was ahead, count from now on."""
        if self._date_back is not None and (users := await self._date_back()):
            log.warning("the clock was ahead: charges dated back", users=users)

    async def _back_up(self) -> None:
        now, failed_at = self._clock(), self._backup_failed_at
        if not self._settings().backups:
            return
        if failed_at is not None and abs(now - failed_at) < BACKUP_RETRY_AFTER:
            return
        try:
            await self._make_backup(now)
        except Exception as error:
            self._backup_failed_at = now
            await self._alert_owner(BackupFailed(_one_line(error).rstrip(".")))
            raise

    async def _make_backup(self, now: datetime) -> None:
        settings = self._settings()
        existing = await asyncio.to_thread(backup.nightlies, self._data_dir)
        # One dated in the future was made while the clock was wrong.
        newest_at = next((each.made_at for each in existing if each.made_at <= now), None)
        if not Schedule(settings.backup_hour).due(now, newest_at):
            return
        target = await asyncio.to_thread(backup.nightly_path, self._data_dir, now)
        async with self._copying:
            made = await backup.back_up(self._data_dir / FILE_NAME, target)
            log.info("backup made", file=target.name, size_bytes=made.size_bytes)
            # Old backups are removed only once there is a new one.
            await asyncio.to_thread(backup.prune, self._data_dir, settings.backups, now)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
