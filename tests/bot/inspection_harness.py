"""Set up inspection and the queue on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.accounts.lora_access import LoraAccess
from bot.accounts.permissions import Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.jobs.queue_overview import QueueService
from bot.pictures.inspection import InspectionService
from bot.pictures.lineage import Lineage
from bot.request.models import only
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.job import JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import ImageRequest, request_to_json
from storage.database import Database
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.open_names import OpenLoras
from storage.types import Job, NewJob, NewPicture, Place, PolicySource, QuotaPolicy, StoredPicture
from tests.fakes import FakeClock, ScriptedRenderer, a_request, fake_recipe

GUILD, HERE, HIDDEN = 1, 10, 11
ALICE, BOB = Actor(100, GUILD, HERE), Actor(200, GUILD, HERE)
ADA = Actor(300, GUILD, HERE, manages_server=True)
POLICY = QuotaPolicy(1000, 24, PolicySource.CONFIG)


class InspectionHarness:
    """Inspection and the queue over a real database, with an engine whose model never loads."""

    def __init__(self, db: Database) -> None:
        self.clock = FakeClock()
        self.jobs = Jobs(db, self.clock, iter(map(str, range(10_000))).__next__)
        self.history, self.deliveries = History(db, self.clock), Deliveries(db, self.clock)
        self.active = ActiveJobs()
        self.engine = Engine(ScriptedRenderer().load, bounds=Bounds(1000))
        self.inspection = InspectionService(
            count_tokens=self.engine.count_tokens,
            models=only(Z_IMAGE_TURBO),
            jobs=self.jobs,
            history=self.history,
            deliveries=self.deliveries,
            lineage=Lineage(self.jobs, self.history),
            lora_access=LoraAccess(only(Z_IMAGE_TURBO), Permissions(), OpenLoras(db, self.clock)),
        )
        self.queue = QueueService(
            engine=self.engine,
            active=self.active,
            permissions=Permissions(),
            clock=self.clock,
        )

    async def accept_job(
        self,
        actor: Actor,
        request: ImageRequest,
        *,
        private: bool = False,
        channel: int = HERE,
        parent: int | None = None,
    ) -> int:
        """Accept a job without queueing it, and return its id."""
        new = NewJob(
            Place(actor.guild_id, channel, actor.user_id),
            request_to_json(request),
            request.prompt,
            request.seed,
            private=private,
            parent_picture_id=parent,
        )
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        return job.id

    async def queue_job(self, actor: Actor, prompt: str, *, private: bool = False) -> int:
        """Queue a job and return its id."""
        request = a_request(prompt)
        job_id = await self.accept_job(actor, request, private=private)
        row = await self.jobs.get(job_id)
        assert row is not None
        with self.engine.reserve(actor.user_id, actor.guild_id) as slot:
            self.active.add(row, self.engine.submit(slot, JobSpec(job_id, request)))
        return job_id

    async def add_picture(
        self,
        actor: Actor,
        request: ImageRequest,
        *,
        private: bool = False,
        channel: int = HERE,
        parent: int | None = None,
    ) -> StoredPicture:
        """Store a finished picture."""
        job_id = await self.accept_job(
            actor, request, private=private, channel=channel, parent=parent
        )
        await self.jobs.painting(job_id)
        new = NewPicture(
            file=f"pictures/2026/01/zimagine-{job_id}-{request.seed}.png",
            sha256="0" * 64,
            recipe=fake_recipe(request).to_json(),
            seed=request.seed,
            width_px=request.width_px,
            height_px=request.height_px,
            duration_s=1.5,
        )
        await self.jobs.painted(job_id, [new])
        (picture,) = await self.history.of_job(job_id)
        return picture


@asynccontextmanager
async def open_inspection(folder: Path) -> AsyncIterator[InspectionHarness]:
    """Open the harness on an empty database in this folder."""
    async with await Database.open(folder / "data" / "zimagine.db") as db:
        yield InspectionHarness(db)
