"""Rounds of work follow each other when they are to, and never run side by side."""

from __future__ import annotations

import asyncio

from bot.delivery.rounds import Rounds
from tests.fakes import until


class Work:
    """Rounds of which each leaves something as planned; waits that end at once, or never."""

    def __init__(self, *left: bool, poll_s: float | None = None, endless: bool = False) -> None:
        self.planned = list(left)
        self.waits: list[float] = []
        self.running = self.done = 0
        self.endless = endless
        self.rounds = Rounds(self.once, waits_s=(5.0, 15.0), poll_s=poll_s, sleep=self.sleep)

    async def once(self) -> bool:
        self.running += 1
        assert self.running == 1
        await asyncio.sleep(0)
        self.running -= 1
        self.done += 1
        return self.planned.pop(0) if self.planned else False

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.endless:
            await asyncio.Event().wait()

    async def until(self, rounds: int) -> None:
        """Run until so many rounds are over."""
        task = asyncio.create_task(self.rounds.run())
        await until(lambda: self.done >= rounds and self.rounds.resting)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_left_is_tried_again() -> None:
    """Waits grow while something is left, and begin anew once nothing was."""
    work = Work(True, True, True, False)
    assert not work.rounds.resting
    await work.until(4)
    assert work.waits == [5.0, 15.0, 15.0] and not work.rounds.left


async def test_a_wake_ends_any_wait() -> None:
    """It begins a round although something was left a moment ago, or nothing was."""
    for left in (True, False):
        work = Work(left, endless=True)
        task = asyncio.create_task(work.rounds.run())
        await until(lambda work=work: work.done == 1 and work.rounds.resting)
        assert work.rounds.left is left
        work.rounds.wake()
        assert not work.rounds.resting
        await until(lambda work=work: work.done == 2 and work.rounds.resting)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_poll_needs_no_wake() -> None:
    """Where there is a time for it, the next round comes by itself."""
    work = Work(poll_s=30.0)
    await work.until(3)
    assert set(work.waits) == {30.0}
