"""Delivery on a real database, with a messenger that fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bot.delivery.progress import ProgressUpdater
from bot.delivery.result_cards import ResultCards
from bot.delivery.status_messages import StatusEditor
from bot.delivery.user_threads import UserThreads
from bot.delivery.worker import DeliveryPolicy, DeliveryWorker
from bot.jobs.completion import write_picture
from bot.pictures.filenames import picture_name
from bot.pictures.lineage import Lineage
from bot.pictures.possible_actions import ActionChecker
from bot.request.models import only
from engine.diffusion.families import SKETCH_FAMILY
from engine.queue import Bounds
from engine.service import Engine
from engine.types import ImageRequest, Painted, request_to_json
from storage.database import Database
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.preferences import Threads
from storage.types import DeliveryMode, Job, NewJob, Place, PolicySource, QuotaPolicy
from tests.fakes import (
    FakeClock,
    FakeMessenger,
    ScriptedRenderer,
    fake_recipe,
    gradient,
    until,
)

REQUEST = ImageRequest("a lake", "a lake", "", 5, 128, 128, 8, 1.0)
POLICY = QuotaPolicy(50, 24, PolicySource.CONFIG)
STATUS_ID = 77


class DeliveryHarness:
    """A delivery worker with everything around it real but Discord."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.clock = FakeClock()
        self.messenger = FakeMessenger()
        self.files = PictureFiles(folder, clock=self.clock)
        self.history = History(db, self.clock)
        self.deliveries = Deliveries(db, self.clock)
        self.slept: list[float] = []
        self._endless = False
        self.on_sleep: Callable[[float], object] = lambda _: None
        self.nonces = iter(f"nonce-{n}" for n in range(100))
        self.jobs = Jobs(db, self.clock, lambda: next(self.nonces))
        self.policy = DeliveryPolicy()
        self.restart()

    def restart(self) -> None:
        """Create the worker of a new process on the same database."""
        engine = Engine(ScriptedRenderer().load, bounds=Bounds(queue=1))
        editor = StatusEditor(self.messenger, self.clock)
        self.delivery = DeliveryWorker(
            messenger=self.messenger,
            editor=editor,
            progress_updater=ProgressUpdater(editor, engine, now_s=lambda: 0.0, clock=self.clock),
            deliveries=self.deliveries,
            cards=self.result_cards(),
            threads=UserThreads(Threads(self.db, self.clock), self.messenger),
            clock=self.clock,
            policy=lambda: self.policy,
            sleep=self._sleep,
        )

    def result_cards(self) -> ResultCards:
        """Return what builds the cards of finished jobs."""
        lineage = Lineage(self.jobs, self.history)
        actions = ActionChecker(lineage, only(SKETCH_FAMILY))
        return ResultCards(lineage, actions, self.files, lambda _: ())

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep(seconds)
        await (asyncio.Event().wait() if self._endless else asyncio.sleep(0))

    async def kill_during_delivery(self) -> None:
        """Kill the process while its delivery waits for another attempt, and start the next one."""
        self._endless = True
        runner = asyncio.create_task(self.delivery.run())
        await until(lambda: self.slept)
        runner.cancel()
        await self.delivery.drain(0)
        self._endless = False
        self.restart()

    async def accept(
        self,
        *,
        placed: bool = True,
        reply_token: str | None = None,
        private: bool = False,
        status_id: int = STATUS_ID,
        delivery: DeliveryMode = DeliveryMode.CHANNEL,
        spoiler: bool = False,
        channel_id: int = 2,
    ) -> Job:
        """Return a job in the database. placed: its status message is known."""
        place, request = Place(1, channel_id, 3), request_to_json(REQUEST)
        new = NewJob(
            place,
            request,
            "a lake",
            5,
            reply_token=reply_token,
            private=private,
            delivery=delivery,
            spoiler=spoiler,
        )
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        if placed:
            await self.delivery.status_posted(job.id, status_id)
        return job

    async def paint(self, job: Job) -> None:
        """Write the job's picture to disk and database."""
        assert await self.jobs.painting(job.id)
        painted = Painted(gradient(REQUEST), fake_recipe(REQUEST), 1.5)
        await self.jobs.painted(job.id, write_picture(self.files, picture_name(job.id, 5), painted))

    async def deliver(self) -> None:
        """Run until the worker is idle."""
        runner = asyncio.create_task(self.delivery.run())
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
            # Behind the runner's own read: by then the worker knows what it has to deliver.
            await self.deliveries.pending()
            await asyncio.sleep(0.05)
            while self.delivery.busy:
                await asyncio.sleep(0.01)
        runner.cancel()

    async def state(self, job: Job) -> str:
        """Return the state of the job's delivery."""
        found = await self.deliveries.get(job.id)
        assert found is not None
        return found.state.value
