"""Erase what servers left behind that removed the bot, unless they come back in time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from bot.privacy.erasure import ErasureService
from storage.erasure.departures import DepartedServers
from storage.errors import StorageError

log = structlog.get_logger(__name__)


class DepartureService:
    """Follows which servers the bot is on. grace: returns how long what they left is
    kept.

    A write that fails is logged: the next start compares the servers anew.
    """

    def __init__(
        self, departed: DepartedServers, erasure: ErasureService, grace: Callable[[], timedelta]
    ) -> None:
        self._departed = departed
        self._erasure = erasure
        self._grace = grace

    async def left(self, guild_id: int) -> None:
        """Begin the time after which a server is erased."""
        try:
            await self._departed.left(guild_id)
        except StorageError as error:
            log.error("departure not stored", guild=guild_id, detail=str(error))
        else:
            log.info("removed from a server", guild=guild_id, erased_in_days=self._grace().days)

    async def returned(self, guild_id: int) -> None:
        """Keep what a server left: it is back."""
        try:
            if await self._departed.returned(guild_id):
                log.info("back on a server", guild=guild_id)
        except StorageError as error:
            log.error("return not stored", guild=guild_id, detail=str(error))

    async def compare(self, present: Collection[int]) -> None:
        """Take over which servers the bot is on, after a time in which it was not connected."""
        try:
            missed = await self._departed.compare(present)
        except StorageError as error:
            log.error("servers not compared", detail=str(error))
            return
        if missed:
            log.warning(
                "not on some servers any more", servers=missed, erased_in_days=self._grace().days
            )

    async def erase_due(self) -> int:
        """Erase the servers whose time is over; returns how many. Raises StorageError."""
        due = await self._departed.due(self._grace())
        for guild_id in due:
            await self._erasure.erase_server(guild_id)
        return len(due)
