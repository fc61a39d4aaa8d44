"""Reports and blocks as tests need them: some members, their pictures, their waiting jobs."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

from bot.accounts.permissions import Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import CancellationService
from bot.jobs.completion import JobEvents
from bot.moderation.blocks import BlockService
from bot.moderation.reports import ReportService
from bot.pictures.deletion import DeletionService
from bot.pictures.recent import RecentPictures
from engine.job import JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import request_to_json
from storage.blocks import Blocks
from storage.cancelled_painting import FreeCancelling
from storage.database import Database
from storage.files import PictureFiles
from storage.history import History
from storage.jobs import Jobs
from storage.log_channels import LogChannels
from storage.reports import Reports
from storage.types import Job, NewJob, NewPicture, Place, PolicySource, QuotaPolicy
from tests.fakes import FakeClock, ScriptedRenderer, a_request, fake_recipe

GUILD, CHANNEL = 1, 10
ALICE, BOB = Actor(100, GUILD, CHANNEL), Actor(200, GUILD, CHANNEL)
MO = Actor(300, GUILD, CHANNEL, manages_messages=True)
ADA = Actor(400, GUILD, CHANNEL, manages_server=True)
OWNER = Actor(999, GUILD, CHANNEL)
ELSEWHERE = dataclasses.replace(ADA, guild_id=2)
POLICY = QuotaPolicy(1000, 24, PolicySource.CONFIG)


class ModerationHarness:
    """Services over a real database, with an engine whose model never loads."""

    def __init__(self, db: Database, data_dir: Path) -> None:
        clock = FakeClock()
        self.jobs = Jobs(db, clock, iter(map(str, range(10_000))).__next__)
        self.history = History(db, clock)
        self.stored_reports, self.stored_blocks = Reports(db, clock), Blocks(db, clock)
        self.files = PictureFiles(data_dir, clock=clock)
        self.live = ActiveJobs()
        self.engine = Engine(ScriptedRenderer().load, bounds=Bounds(1000))
        self.channels = LogChannels(db, clock)
        self.changed: list[int] = []
        self.settled: list[int] = []
        permissions = Permissions(lambda: frozenset({OWNER.user_id}))
        self.deletion = DeletionService(
            self.history, self.files, RecentPictures(self.history), permissions
        )
        cancellation = CancellationService(
            self.engine,
            self.jobs,
            self.live,
            permissions,
            JobEvents(accepted=lambda _: None, finished=self.settled.append),
            clock=clock,
            expires_before=lambda: clock() - timedelta(hours=1),
            free=lambda: FreeCancelling(600.0, QuotaPolicy(50, 24, PolicySource.CONFIG)),
            forget=self.deletion.forget,
        )
        self.blocks = BlockService(self.stored_blocks, cancellation, permissions, clock)
        self.reports = ReportService(
            reports=self.stored_reports,
            channels=self.channels,
            history=self.history,
            deletion=self.deletion,
            blocks=self.blocks,
            permissions=permissions,
            changed=self.changed.append,
        )

    async def accepted(self, actor: Actor, *, pictures: int = 1, private: bool = False) -> Job:
        """Return a job that is in the database but not in the queue."""
        request = a_request()
        place = Place(actor.guild_id, actor.channel_id, actor.user_id)
        new = NewJob(
            place, request_to_json(request), "x", request.seed, pictures=pictures, private=private
        )
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        return job

    def queued(self, job: Job) -> None:
        """Put the job into the queue."""
        with self.engine.reserve(job.place.user_id, job.place.guild_id) as slot:
            self.live.add(job, self.engine.submit(slot, JobSpec(job.id, a_request())))

    async def painted(
        self, actor: Actor = ALICE, *, pictures: int = 1, private: bool = False
    ) -> int:
        """Return the id of the first picture of a finished job."""
        job = await self.accepted(actor, pictures=pictures, private=private)
        await self.jobs.painting(job.id)
        new = [
            NewPicture(
                file=self.files.write(f"zimagine-{job.id}-{number}.png", b"x").file,
                sha256="0" * 64,
                recipe=fake_recipe(a_request()).to_json(),
                seed=number,
                width_px=64,
                height_px=64,
                duration_s=1.5,
            )
            for number in range(pictures)
        ]
        return (await self.jobs.painted(job.id, new))[0].id
