"""Do in the background what erasures leave to be done: files, free pages, copies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bot.delivery.alerts import ErasureUnfinished, OwnerAlert
from storage.erasure.purge import Purge, Purged
from storage.errors import StorageError
from storage.types import Clock

log = structlog.get_logger(__name__)

AGAIN_S: Final = 600.0
"""How often it is looked whether anything is left. Chosen by hand."""
SOON_S: Final = 5.0
"""After a try that could not finish, because a picture was being written for instance. Chosen by
hand."""
_SOON_TRIES: Final = 12


class PurgeLoop:
    """Purges after each erasure, and at the start what the last process left.

    quiet_hour: returns that of the day, in UTC, in which a large database may be written anew.
    is_active: whether a job may still be writing files. alert_owner: tells the bot's owners.
    """

    def __init__(
        self,
        purge: Purge,
        *,
        quiet_hour: Callable[[], int],
        is_active: Callable[[int], bool],
        alert_owner: Callable[[OwnerAlert], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._purge = purge
        self._quiet_hour = quiet_hour
        self._is_active = is_active
        self._alert_owner = alert_owner
        self._clock = clock
        self._woken = asyncio.Event()
        self._woken.set()
        self._busy = True

    @property
    def idle(self) -> bool:
        """Whether nothing is left to be done."""
        return not self._busy and not self._woken.is_set()

    def wake(self) -> None:
        """Purge soon: something was erased."""
        self._woken.set()

    async def run(self) -> None:
        """Purge until cancelled."""
        tries = 0
        while True:
            self._woken.clear()
            self._busy = True
            done = await self._once()
            tries = 0 if done else tries + 1
            self._busy = not done
            wait_s = SOON_S if not done and tries <= _SOON_TRIES else AGAIN_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _once(self) -> bool:
        try:
            purged: Purged = await self._purge.run(
                quiet=self._clock().hour == self._quiet_hour(), is_active=self._is_active
            )
        except (StorageError, OSError) as error:
            log.error("not purged", detail=str(error))
            await self._alert_owner(ErasureUnfinished(str(error).rstrip(".")))
            return False
        for name in purged.copies_removed:
            log.warning("a damaged copy of the database was removed", file=name)
        return purged.done
