"""Do in the background what erasures leave to be done: files, free pages, copies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from bot.delivery.alerts import ErasureUnfinished, OwnerAlert
from bot.delivery.rounds import Rounds
from storage.erasure.purge import Purge, Purged
from storage.errors import StorageError
from storage.types import Clock

log = structlog.get_logger(__name__)

AGAIN_S: Final = 600.0
"""How often it is looked whether anything is left. Chosen by hand."""
WAITS_S: Final = (*(5.0,) * 12, AGAIN_S)
"""After tries that could not finish, because a picture was being written for instance. Chosen by
hand."""


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
        self._rounds = Rounds(self._once, waits_s=WAITS_S, poll_s=AGAIN_S)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to be done."""
        return self._rounds.resting and not self._rounds.left

    def wake(self) -> None:
        """Purge soon: something was erased."""
        self._rounds.wake()

    async def run(self) -> None:
        """Purge until cancelled."""
        await self._rounds.run()

    async def _once(self) -> bool:
        """Purge once; return whether anything is left."""
        try:
            purged: Purged = await self._purge.run(
                quiet=self._clock().hour == self._quiet_hour(), is_active=self._is_active
            )
        except (StorageError, OSError) as error:
            log.error("not purged", detail=str(error))
            await self._alert_owner(ErasureUnfinished(str(error).rstrip(".")))
            return True
        for name in purged.copies_removed:
            log.warning("a damaged copy of the database was removed", file=name)
        return not purged.done
