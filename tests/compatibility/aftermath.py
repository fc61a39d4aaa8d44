"""Rows that a bot leaves behind in odd moments, written by the stores that it writes them with."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from bot.jobs.completion import write_picture
from bot.pictures.filenames import picture_name
from engine.types import Adaptation, Mend, Painted, Variation, request_to_json
from storage.database import Database
from storage.deliveries import Deliveries
from storage.files import PictureFiles
from storage.jobs import Jobs
from storage.retention import Retention
from storage.types import (
    COMMAND_LINE,
    Clock,
    DeliveryMode,
    Job,
    NewJob,
    NewPicture,
    Place,
    Road,
)
from tests.compatibility.accounts import FALLBACK
from tests.fakes import a_request, fake_recipe, gradient

THREAD_ID = 4242
MESSAGE_ID = 4243
UPLOAD_LIMIT_BYTES = 10_000_000


class Aftermath:
    """The stores of a bot that does not run."""

    def __init__(self, db: Database, clock: Clock, ids: Mapping[str, int]) -> None:
        numbers = itertools.count(1)
        self.db = db
        self.clock = clock
        self.place = Place(ids["guild"], ids["channel"], ids["alice"])
        self.jobs = Jobs(db, clock, lambda: f"left-{next(numbers)}")
        self.deliveries = Deliveries(db, clock)
        self.files = PictureFiles(db.path.parent, clock=clock)

    async def accept(self, prompt: str, **fields: Any) -> Job:
        """A job that waits; its prompt is what tells it from the others."""
        request = a_request(prompt, seed=60, variations=(Variation(61, 0.25),), variety=0.5)
        new = NewJob(
            self.place,
            request_to_json(request),
            prompt,
            60,
            upload_limit_bytes=UPLOAD_LIMIT_BYTES,
            **fields,
        )
        job = await self.jobs.accept(new, FALLBACK)
        assert isinstance(job, Job)
        await self.deliveries.placed(job.id, MESSAGE_ID + job.id)
        return job

    async def begin(self, prompt: str, **fields: Any) -> Job:
        """The same, being painted."""
        job = await self.accept(prompt, **fields)
        assert await self.jobs.painting(job.id)
        return job

    def written(self, job: Job) -> NewPicture:
        """The picture of a job on the disk, with all that a recipe can hold."""
        request = a_request(job.prompt, seed=60, variations=(Variation(61, 0.25),), variety=0.5)
        recipe = dataclasses.replace(
            fake_recipe(request),
            loras=("one", "two"),
            adaptations=tuple(Adaptation(each, "step 3", "1.0") for each in Mend),
        )
        name = picture_name(job.id, request.seed)
        return write_picture(self.files, name, Painted(gradient(request), recipe, 1.5))

    async def painted(self, prompt: str, **fields: Any) -> Job:
        """A picture that its person has not got yet."""
        job = await self.begin(prompt, **fields)
        await self.jobs.painted(job.id, self.written(job))
        return job

    async def unfinished(self) -> None:
        """Jobs in every state of waiting and being painted."""
        (begun, *_) = await self.jobs.interrupted_painting()
        recovery = await self.jobs.recover()
        assert begun.id in {each.id for each in recovery.queued}
        assert await self.jobs.painting(begun.id)  # for the second time
        await self.begin("painted for the first time")
        on_disk = await self.begin("painted and not written down")
        self.written(on_disk)
        await self.accept("queued in private", private=True, reply_token="gone", locale="zh-CN")
        await self.accept("queued for a thread", delivery=DeliveryMode.THREAD, quiet=True)
        accepted = await self.accept("accepted and no more")
        async with self.db.transaction() as transaction:  # no step of today's ends there
            sql = "UPDATE jobs SET state = 'accepted' WHERE id = ?"
            assert await transaction.execute(sql, (accepted.id,)) == 1

    async def untold(self) -> None:
        """Jobs that are over, and nobody knows."""
        failed = await self.begin("failed and not told")
        await self.jobs.failed(failed.id, "render_failed", "a detail")
        await self.deliveries.attempt(failed.id, Road.EDIT)
        await self.jobs.cancelled((await self.accept("cancelled and not told")).id)
        await self.jobs.expired((await self.accept("expired and not told")).id)
        for mode in DeliveryMode:
            await self.painted(f"wanted by {mode}", delivery=mode, spoiler=True)
        for road in Road:
            token = "spent" if road is Road.REPLY else None
            private = road is Road.REPLY
            job = await self.painted(f"tried by {road}", private=private, reply_token=token)
            thread_id = THREAD_ID if road is Road.THREAD else None
            await self.deliveries.attempt(job.id, road, thread_id)
        turned = await self.painted("turned away", delivery=DeliveryMode.DIRECT)
        await self.deliveries.attempt(turned.id, Road.DIRECT)
        await self.deliveries.switch(turned.id, Road.POST, "forbidden")

    async def settled(self) -> None:
        """Ends that a bot without trouble does not come to."""
        kept = await self.painted("kept")
        await self.deliveries.attempt(kept.id, Road.POST)
        await self.deliveries.kept(kept.id, "I lack Send Messages")
        dropped = await self.painted("dropped")
        await self.deliveries.dropped(dropped.id)
        request = a_request("from the command line", seed=60)
        painted = Painted(gradient(request), fake_recipe(request), 1.5)
        picture = write_picture(self.files, "zimagine-20260101-000000-60-ab.png", painted)
        new = NewJob(COMMAND_LINE, request_to_json(request), request.prompt, request.seed)
        await self.jobs.record(new, picture)


async def leave_work(db: Database, clock: Clock, ids: Mapping[str, int]) -> None:
    """Leave all of it, and let retention take what is older than a day."""
    aftermath = Aftermath(db, clock, ids)
    await aftermath.unfinished()
    await aftermath.untold()
    await aftermath.settled()
    removed = await Retention(db, aftermath.files, clock).apply(1, None)
    assert removed.files == 1
