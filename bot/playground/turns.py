"""In which order the requests that are in flight at the same time are answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE_S: Final = 0.3
"""How long a finished answer waits for others to be sent before it."""
GAP_S: Final = 0.01
"""Between two answers, so that the second is also read as the second."""


class Turns:
    """Holds answers back while `shuffled`, and lets them go in another order than they came."""

    def __init__(self, seed: int = 1) -> None:
        self.shuffled = False
        self._random = random.Random(seed)
        self._in_flight = 0
        self._held: list[asyncio.Event] = []
        self._timer: asyncio.TimerHandle | None = None
        self._releasing: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """How many requests are not answered yet, those of bots that are dead among them."""
        return self._in_flight

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """One request, from its arrival until it is answered."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._release_if_all_wait()

    async def wait_turn(self) -> None:
        """Wait for the turn of this answer; returns at once where order is kept."""
        if not self.shuffled:
            return
        turn = asyncio.Event()
        self._held.append(turn)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._release)
        self._release_if_all_wait()
        await turn.wait()

    def _release_if_all_wait(self) -> None:
        if self._held and len(self._held) >= self._in_flight:
            self._release()

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        order = self._random.sample(held, len(held))
        task = asyncio.create_task(_let_go(order if order != held else order[::-1]))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)


async def _let_go(turns: list[asyncio.Event]) -> None:
    for turn in turns:
        turn.set()
        await asyncio.sleep(GAP_S)
