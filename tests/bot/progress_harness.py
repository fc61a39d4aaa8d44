"""A progress updater with a held renderer, a slow messenger, and a clock that tests move."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from bot.delivery.cards import Card, PaintingCard, WaitingCard
from bot.delivery.messenger import Address
from bot.delivery.progress import EDIT_INTERVAL_S, ProgressUpdater
from bot.delivery.status_messages import StatusEditor
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import ImageRequest
from tests.fakes import EPOCH, FakeMessenger, ScriptedRenderer, until

REQUEST = ImageRequest("a lake", "a lake", "", 5, 128, 128, 8, 1.0)


class SlowMessenger(FakeMessenger):
    """A messenger whose edits of some messages stay in flight until a test releases them."""

    def __init__(self) -> None:
        super().__init__()
        self.held: set[int] = set()
        self.under_way: list[int] = []
        self._open = asyncio.Event()

    async def edit(self, address: Address, card: Card) -> None:
        """Show the card on the message, once released."""
        assert address.message_id is not None
        if address.message_id in self.held:
            self.under_way.append(address.message_id)
            await self._open.wait()
            self.under_way.remove(address.message_id)
        await super().edit(address, card)

    def release(self) -> None:
        """Let all edits arrive."""
        self.held.clear()
        self._open.set()


class ProgressHarness:
    """An engine with a held renderer, and a progress updater whose time a test moves."""

    def __init__(self) -> None:
        self.renderer = ScriptedRenderer()
        self.renderer.hold()
        self.may_load = threading.Event()
        self.engine = Engine(
            self.renderer.load, bounds=Bounds(queue=100), others={"second": self._second}
        )
        self.messenger = SlowMessenger()
        self.now_s = 0.0
        self.updater = ProgressUpdater(
            StatusEditor(self.messenger, self._clock),
            self.engine,
            now_s=lambda: self.now_s,
            clock=self._clock,
            sleep=self._sleep,
        )
        self._ticks = asyncio.Semaphore(0)

    def _second(self) -> ScriptedRenderer:
        self.may_load.wait(20)
        return self.renderer

    def _clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    async def _sleep(self, seconds: float) -> None:
        assert seconds == EDIT_INTERVAL_S
        await self._ticks.acquire()

    async def submit(
        self,
        number: int,
        *,
        quiet: bool = False,
        count: int = 1,
        token: str | None = None,
        model: str = "",
    ) -> EngineJob:
        """Submit a job whose status message has its number as id. token: reaches it, too."""
        slot = self.engine.reserve(number, 1)
        request = dataclasses.replace(REQUEST, model=model)
        job = self.engine.submit(slot, JobSpec(number, request, previews=True, count=count))
        ahead = (self.engine.queue.position(number) or 0) + 1
        card = WaitingCard(number, REQUEST, number, ahead, None)
        address = Address(1, 2, number, reply_token=token)
        self.updater.track(job, address, card, quiet=quiet)
        await asyncio.sleep(0.02)
        return job

    async def tick(self, seconds: float) -> None:
        """Let time pass, and the updater act once."""
        self.now_s += seconds
        self._ticks.release()
        await asyncio.sleep(0.02)

    async def edited(self, number: int, times: int) -> list[PaintingCard]:
        """Return the cards shown on a message, once there are `times`."""
        await until(lambda: len(self.messenger.messages.get(number, [])) >= times)
        cards = [each for each in self.messenger.messages[number] if isinstance(each, PaintingCard)]
        assert len(cards) == times == len(self.messenger.messages[number])
        return cards

    async def step(self, job: EngineJob, count: int) -> None:
        """Let the renderer make steps, and wait until they are reported."""
        before = job.latest.step if job.latest else 0
        self.renderer.step(count)
        async with asyncio.timeout(5):
            while job.latest is None or job.latest.step < before + count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def open_progress_harness() -> AsyncIterator[ProgressHarness]:
    """Run a progress updater."""
    harness = ProgressHarness()
    harness.engine.start()
    await harness.engine.ready()
    runner = asyncio.create_task(harness.updater.run())
    yield harness
    runner.cancel()
    harness.messenger.release()
    harness.renderer.release()
    await harness.engine.drain()
