"""Work through what waits in the database, round after round: when woken, and when some is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bot.retry import Sleep
from bot.tasks import end_tasks

CANCELLED_LIMIT_S = 1.0
"""How long a wait may take to end once it is over. Chosen by hand."""


class Rounds:
    """Does one round after another, never two at once; the first at the start.

    once: does a round, and returns whether anything is left that is to be tried again. waits_s:
    between rounds while something is left; the last one repeats. poll_s: until the next round
    otherwise, None to wait until somebody wakes it.
    """

    def __init__(
        self,
        once: Callable[[], Awaitable[bool]],
        *,
        waits_s: Sequence[float],
        poll_s: float | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._once = once
        self._waits_s = waits_s
        self._poll_s = poll_s
        self._sleep = sleep
        self._woken = asyncio.Event()
        self._woken.set()
        self._busy = False
        self.left = False
        """Whether the last round left anything to be tried again."""

    @property
    def resting(self) -> bool:
        """Whether no round is running and none was asked for."""
        return not self._busy and not self._woken.is_set()

    def wake(self) -> None:
        """Begin the next round now, or as soon as the running one is over."""
        self._woken.set()

    async def run(self) -> None:
        """Do rounds until cancelled."""
        failed = 0
        while True:
            self._woken.clear()
            self._busy = self.left = True
            try:
                self.left = await self._once()
            finally:
                self._busy = False
            failed = failed + 1 if self.left else 0
            again_s = self._waits_s[min(failed, len(self._waits_s)) - 1]
            await self._wait(again_s if self.left else self._poll_s)

    async def _wait(self, limit_s: float | None) -> None:
        """Wait until woken, at most so long."""
        if limit_s is None:
            await self._woken.wait()
            return
        waits = [asyncio.create_task(self._pause(limit_s)), asyncio.create_task(self._asked())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(waits, CANCELLED_LIMIT_S)

    async def _pause(self, limit_s: float) -> None:
        await self._sleep(limit_s)

    async def _asked(self) -> None:
        await self._woken.wait()
