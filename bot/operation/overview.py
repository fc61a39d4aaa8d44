"""All that an owner wants to know of the bot at one moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import Final

import structlog

from bot.jobs.device_memory import DeviceMemoryHistory
from bot.jobs.status import BotStatus, StatusService
from bot.operation.control import Backlog, OperationService
from bot.request.outcomes import Refused
from storage.errors import StorageError
from storage.recent_work import FailedWork, PaintedWork, RecentWork

log = structlog.get_logger(__name__)

SPEED_SPAN: Final = timedelta(hours=1)
ERRORS_SPAN: Final = timedelta(hours=24)
READ_LIMIT_S: Final = 1.0
"""How long the database may take. Chosen by hand: Discord waits three seconds for the answer."""


@dataclass(frozen=True, slots=True)
class OwnerOverview:
    """The bot at one moment. painted, failed: None while the database cannot be read.

    curve: as of `DeviceMemoryHistory.curve`.
    """

    status: BotStatus
    backlog: Backlog
    curve: tuple[float | None, ...]
    painted: PaintedWork | None
    failed: tuple[FailedWork, ...] | None
    version: str
    uptime_s: float


class OverviewService:
    """Collects it; the bot has been up since this was made."""

    def __init__(
        self,
        operation: OperationService,
        status: StatusService,
        memory: DeviceMemoryHistory,
        recent: RecentWork,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._operation = operation
        self._status = status
        self._memory = memory
        self._recent = recent
        self._now_s = now_s
        self._began_s = now_s()

    async def overview(self, user_id: int) -> OwnerOverview | Refused:
        """Return it for an owner."""
        if (refused := await self._operation.refusal(user_id)) is not None:
            return refused
        painted: PaintedWork | None = None
        failed: tuple[FailedWork, ...] | None = None
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                painted = await self._recent.painted(SPEED_SPAN)
                failed = await self._recent.failed(ERRORS_SPAN)
        except (StorageError, TimeoutError) as error:
            log.warning("recent work not read", detail=str(error) or type(error).__name__)
        return OwnerOverview(
            status=await self._status.current(),
            backlog=self._operation.backlog(),
            curve=self._memory.curve(),
            painted=painted,
            failed=failed,
            version=_version(),
            uptime_s=self._now_s() - self._began_s,
        )


def _version() -> str:
    try:
        return metadata.version("zimagine")
    except metadata.PackageNotFoundError:  # run from a folder that was never installed
        return "?"
