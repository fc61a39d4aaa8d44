"""The order in which concurrent requests are answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PATIENCE_S: Final = 0.3
"""How long a finished response waits for others to be sent before it. Chosen by hand."""
GAP_S: Final = 0.01
"""Delay between two responses, so that they are read in this order. Chosen by hand."""


class Turns:
    """Holds responses back while `shuffled`, and releases them in a different order."""

    def __init__(self, seed: int = 1) -> None:
        self.shuffled = False
        self._random = random.Random(seed)
        self._in_flight = 0
        self._held: list[asyncio.Event] = []
        self._timer: asyncio.TimerHandle | None = None
        self._releasing: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """How many requests are unanswered, including those of bots that have died."""
        return self._in_flight

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Count one request, from its arrival until it is answered."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._release_if_all_wait()

    async def wait_turn(self) -> None:
        """Wait until this response may be sent; returns at once unless shuffled."""
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
